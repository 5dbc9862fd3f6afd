"""Frames by hand: what an attacker puts on the wire, and what it reads from there."""

import random
import select
import socket
import struct
import time
from typing import Iterator, NamedTuple

ETHERNET, IPV4, IPV6, ARP, VLAN, PROVIDER_VLAN = 3, 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
# packet(7), and linux/virtio_net.h.
SOL_PACKET, PACKET_VNET_HDR, NEEDS_CHECKSUM = 263, 15, 1
BROADCAST = b"\xff" * 6
# Neighbour discovery (RFC 4861).
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT, REDIRECT = 133, 134, 135, 136, 137
NO_HEADER, HOP_BY_HOP, FRAGMENT, DESTINATION_OPTIONS, ICMPV6, TCP = 59, 0, 44, 60, 58, 6


def mac(text: str) -> bytes:
    """The bytes of a hardware address."""
    return bytes.fromhex(text.replace(":", ""))


def mac_text(address: bytes) -> str:
    """How a hardware address is written."""
    return address.hex(":")


def ip(text: str) -> bytes:
    """The bytes of an address of either family."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ip_text(address: bytes) -> str:
    """How an address of either family is written."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """What a checksum counts beside the segment (RFC 9293 §3.1, RFC 8200 §8.1)."""
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!II", length, protocol)


def ethernet(destination: bytes, source: bytes, kind: int, payload: bytes) -> bytes:
    """A frame; padded, as a card would."""
    return (destination + source + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def tagged(frame: bytes, *tags: tuple[int, int]) -> bytes:
    """A frame with tags, the outermost first, each as (type, VLAN)."""
    return frame[:12] + b"".join(struct.pack("!HH", kind, vlan) for kind, vlan in tags) + frame[12:]


def snap(frame: bytes) -> bytes:
    """The same payload behind an LLC/SNAP header."""
    return frame[:12] + struct.pack("!H", len(frame) - 14 + 8) + b"\xaa\xaa\x03\0\0\0" + frame[12:]


def arp(destination: bytes, source: bytes, operation: int, sender: tuple[bytes, str], target: tuple[bytes, str],
        hardware: int = 1) -> bytes:
    """An ARP request (1) or reply (2)."""
    body = struct.pack("!HHBBH", hardware, IPV4, 6, 4, operation) + sender[0] + ip(sender[1]) + target[0] + ip(target[1])
    return ethernet(destination, source, ARP, body)


def tcp(source: bytes, destination: bytes, ports: tuple[int, int], flags: int, sequence: int = 0, acknowledged: int = 0,
        data: bytes = b"", options: bytes = b"") -> bytes:
    """A TCP segment with its checksum."""
    options += b"\0" * (-len(options) % 4)
    segment = struct.pack("!HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, (5 + len(options) // 4) << 4, flags,
                          64240, 0, 0) + options + data
    found = checksum(pseudo(source, destination, TCP, len(segment)) + segment)
    return segment[:16] + struct.pack("!H", found) + segment[18:]


def ipv4(source: bytes, destination: bytes, payload: bytes, protocol: int = TCP, ident: int = 0, fragment: int = 0x4000) -> bytes:
    """An IPv4 packet."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, fragment, 64, protocol, 0) + source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source: bytes, destination: bytes, payload: bytes, following: int = TCP, hops: int = 64) -> bytes:
    """An IPv6 packet."""
    return struct.pack("!IHBB", 6 << 28, len(payload), following, hops) + source + destination + payload


def packet(destination: bytes, source: bytes, addresses: tuple[bytes, bytes], segment: bytes) -> bytes:
    """A frame with a TCP segment, of the family that its addresses have."""
    if len(addresses[0]) == 4:
        return ethernet(destination, source, IPV4, ipv4(*addresses, segment))
    return ethernet(destination, source, IPV6, ipv6(*addresses, segment))


def icmpv6(source: bytes, destination: bytes, body: bytes) -> bytes:
    """An ICMPv6 message with its checksum."""
    found = checksum(pseudo(source, destination, ICMPV6, len(body)) + body)
    return body[:2] + struct.pack("!H", found) + body[4:]


def discovery(destination: bytes, source: bytes, addresses: tuple[bytes, bytes], body: bytes, headers: bytes = b"",
              following: int = ICMPV6) -> bytes:
    """A frame of neighbour discovery, perhaps behind extension headers."""
    return ethernet(destination, source, IPV6, ipv6(*addresses, headers + icmpv6(*addresses, body), following, 255))


def advertisement(target: bytes, link: bytes, flags: int = 0xE0000000) -> bytes:
    """The body of a neighbour advertisement: by default a router's, solicited, to override."""
    return struct.pack("!BBHI", ADVERTISEMENT, 0, 0, flags) + target + b"\x02\x01" + link


def solicitation(target: bytes, link: bytes) -> bytes:
    """The body of a neighbour solicitation that tells its source's hardware address."""
    return struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + target + b"\x01\x01" + link


def router_advertisement(link: bytes, lifetime: int) -> bytes:
    """The body of a router advertisement that tells its source's hardware address."""
    return struct.pack("!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, 64, 0x08, lifetime, 0, 0) + b"\x01\x01" + link


class Segment(NamedTuple):
    """A TCP segment that was on the wire."""

    to: bytes
    by: bytes
    source: bytes
    destination: bytes
    ports: tuple[int, int]
    sequence: int
    acknowledged: int
    flags: int
    data: bytes


def parse(frame: bytes) -> Segment | None:
    """The TCP segment of a frame, if it has one."""
    try:
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == IPV4 and frame[23] == TCP:
            source, destination, end = frame[26:30], frame[30:34], 14 + struct.unpack("!H", frame[16:18])[0]
            start = 14 + (frame[14] & 15) * 4
        elif kind == IPV6 and frame[20] == TCP:
            source, destination, end = frame[22:38], frame[38:54], 54 + struct.unpack("!H", frame[18:20])[0]
            start = 54
        else:
            return None
        head = struct.unpack("!HHIIBB", frame[start:start + 14])
    except (IndexError, struct.error):
        return None
    return Segment(frame[:6], frame[6:12], source, destination, head[:2], head[2], head[3], head[5], frame[start + (head[4] >> 4) * 4:end])


def forwarded(frame: bytes, destination: bytes, source: bytes) -> bytes:
    """The frame of a TCP segment with other Ethernet addresses, and its checksum made, which a veth leaves undone."""
    segment = parse(frame)
    start = 14 + (frame[14] & 15) * 4 if frame[12:14] == b"\x08\0" else 54
    length = start + (frame[start + 12] >> 4) * 4 - start + len(segment.data)
    body = frame[start:start + length]
    body = body[:16] + b"\0\0" + body[18:]
    found = checksum(pseudo(segment.source, segment.destination, TCP, length) + body)
    return (destination + source + frame[12:start] + body[:16] + struct.pack("!H", found) + body[18:]).ljust(60, b"\0")


class Wire:
    """A card's whole traffic, for the network namespace that it is opened in."""

    def __init__(self, device: str = "eth0", hears_own: bool = False):
        """Opens the device for every protocol. Whoever listens at the other end of a cable hears what the device itself sends, too."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERNET))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE") else 33, 1 << 22)
        self._socket.bind((device, ETHERNET))
        self._device, self._hears_own = device, hears_own
        self.refused = 0

    def send(self, *frames: bytes) -> None:
        """Puts frames on the wire. A full queue loses them, as a cable would, and they are counted."""
        for frame in frames:
            try:
                self._socket.send(frame)
            except OSError:
                self.refused += 1

    def send_unfinished(self, frame: bytes, start: int, offset: int) -> None:
        """Puts a frame on the wire whose checksum is still to be made: over all from `start`, to be written `offset` bytes behind it."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as card:
            card.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            card.bind((self._device, 0))
            # The header of virtio (virtio 1.2 §5.1.6).
            card.send(struct.pack("=BBHHHH", NEEDS_CHECKSUM, 0, 0, 0, start, offset) + frame)

    def received(self, seconds: float) -> Iterator[bytes]:
        """What comes in for so long; what the card itself sends is left out."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if not select.select([self._socket], [], [], max(0, left))[0]:
                return
            for _ in range(64):
                try:
                    frame, origin = self._socket.recvfrom(1 << 16, socket.MSG_DONTWAIT)
                except (BlockingIOError, OSError):
                    break
                if self._hears_own or origin[2] != socket.PACKET_OUTGOING:
                    yield frame
            if left <= 0:
                return

    def segments(self, seconds: float) -> Iterator[Segment]:
        """The TCP segments that come in for so long."""
        for frame in self.received(seconds):
            if segment := parse(frame):
                yield segment


def any_port() -> int:
    """A source port of nobody's in particular."""
    return random.randrange(20000, 60000)
