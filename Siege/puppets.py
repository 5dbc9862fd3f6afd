"""Guests that are not there: TCP clients made of frames, with whatever addresses an attacker gives them."""

import random
import struct
from dataclasses import dataclass

import wire
from field import Field

REQUEST = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"


@dataclass
class Puppet:
    """One connection."""

    link: bytes
    address: bytes
    port: int
    sequence: int
    request: bytes
    peer: int = 0
    is_open: bool = False
    read: bytes = b""


class Puppets:
    """Many connections of one attacker's card."""

    def __init__(self, field: Field, card: wire.Wire):
        """Has none yet."""
        self._field, self._card = field, card
        field.at_end.append(self.end)
        self._found: dict[tuple[bytes, int], Puppet] = {}
        self._links: dict[bytes, bytes] = {}
        # What puppets have ever used: a SYN that is answered late is theirs, though they are gone.
        self._used: set[tuple[bytes, int]] = set()
        self.opened = 0
        # Packets from the metadata address for who is no puppet of these.
        self.astray = 0
        self.astray_kinds: dict[str, int] = {}

    def connect(self, link: bytes, address: bytes, port: int, *, request: bytes = REQUEST, to: bytes | None = None) -> Puppet:
        """Sends the SYN of a connection from this hardware address, address and port."""
        puppet = Puppet(link, address, port, random.randrange(1 << 31), request)
        self._found[address, port] = puppet
        self._used.add((address, port))
        self._links[address] = link
        self._send(puppet, wire.SYN, to=to)
        puppet.sequence += 1
        return puppet

    def _send(self, puppet: Puppet, flags: int, data: bytes = b"", to: bytes | None = None) -> None:
        field = self._field
        self._card.send(wire.packet(to or field.bridge, puppet.link, (puppet.address, field.metadata), wire.tcp(
            puppet.address, field.metadata, (puppet.port, 80), flags, puppet.sequence, puppet.peer, data)))

    def work(self, seconds: float) -> None:
        """Answers what comes in: completes handshakes, asks, and reads."""
        for frame in self._card.received(seconds):
            if segment := wire.parse(frame):
                self._take(segment)
            else:
                self._resolve(frame)

    def _take(self, segment: wire.Segment) -> None:
        puppet = self._found.get((segment.destination, segment.ports[1]))
        if segment.ports[0] != 80 or segment.source != self._field.metadata:
            return
        if puppet is None:
            self.astray += 1
            kind = f"flags {segment.flags:#x}, {len(segment.data)} bytes"
            self.astray_kinds[kind] = self.astray_kinds.get(kind, 0) + 1
            return
        if segment.flags & wire.RST:
            puppet.is_open = False
        elif segment.flags & (wire.SYN | wire.ACK) == wire.SYN | wire.ACK and not puppet.peer:
            puppet.peer, puppet.is_open = segment.sequence + 1, True
            self.opened += 1
            self._send(puppet, wire.ACK)
            if puppet.request:
                self._send(puppet, wire.ACK | wire.PSH, puppet.request)
                puppet.sequence += len(puppet.request)
        elif segment.data and segment.sequence == puppet.peer & 0xFFFFFFFF:
            puppet.read += segment.data
            puppet.peer += len(segment.data)
            self._send(puppet, wire.ACK)

    def _resolve(self, frame: bytes) -> None:
        """Answers who asks for the hardware address of one of the puppets."""
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\x01" and (link := self._links.get(frame[38:42])):
            self._card.send(frame[6:12] + link + frame[12:20] + b"\0\x02" + link + frame[38:42] + frame[22:32] + b"\0" * 18)
        elif frame[12:14] == b"\x86\xdd" and frame[20] == wire.ICMPV6 and frame[54] == wire.SOLICITATION and (
                link := self._links.get(frame[62:78])):
            self._card.send(wire.discovery(
                frame[6:12], link, (frame[62:78], frame[22:38]), wire.advertisement(frame[62:78], link, 0x60000000)))

    def end(self) -> None:
        """Ends what is open."""
        self.work(0.05)
        for one in self._found.values():
            if one.is_open:
                one.is_open = False
                self._send(one, wire.RST | wire.ACK)

    @property
    def still_open(self) -> int:
        """Connections that were not ended."""
        return sum(one.is_open for one in self._found.values())

    def bodies(self) -> set[str]:
        """What was answered, by all."""
        return {one.read.split(b"\r\n\r\n", 1)[-1].decode(errors="replace")[:60] for one in self._found.values() if one.read}


def invented(number: int, family: int, network: int = 2) -> tuple[bytes, bytes]:
    """A hardware address and an address that are nobody's."""
    link = b"\x52\x54\x77" + struct.pack("!I", number)[1:]
    if family == 4:
        return link, bytes([192, 0, network, 100 + number % 100])
    return link, wire.ip(f"2001:db8:{network}:0:77::") [:12] + struct.pack("!I", 1 + number)
