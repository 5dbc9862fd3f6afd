"""A neighbour asks the network's DHCP server for a lease in a victim's name.

A DHCP message names the card that it is for (`chaddr`) in its content; the frame's source may be another, as where a relay forwards it. libvirt lists the
lease by that card, and the victim's metadata shows its address, also in the signed identity document. Gained: an address of the forger's choice in
the victim's metadata. In the way: a guest's messages to a DHCP server are for its own card, or for one that is no other guest's (chains `dhcp_…`).
"""

import select
import socket
import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import dresses
from field import METADATA, Field
from host import Host

SERVER = 67
UDP = 17
# Linux's number, which Python does not name.
SO_BINDTODEVICE = 25
OWN, CLAIMED = b"own ", b"vict"


def message(card: bytes, name: bytes, size: int = 0) -> bytes:
    """A discovery of DHCP for a card (RFC 2131 §2); its transaction says whose it is."""
    head = struct.pack("!BBBB4sHH", 1, 1, 6, 0, name, 0, 0x8000) + bytes(16)
    return head + card.ljust(16, b"\0") + bytes(192) + bytes.fromhex("63825363 350101 ff") + bytes(size)


def datagram(body: bytes) -> bytes:
    """The same in UDP, without a checksum."""
    return struct.pack("!HHHH", 68, SERVER, 8 + len(body), 0) + body


def kinds(field: Field) -> dict[str, list[bytes]]:
    """The frames, by what is special about them."""
    victim, me = field.victims[0].link, field.me.link
    everyone, own = (bytes(4), wire.ip("255.255.255.255")), wire.ip(field.me.ip4)
    claim = datagram(message(victim, CLAIMED))

    def frame(payload: bytes, fragment: int = 0, options: bytes = b"", to: bytes = wire.BROADCAST) -> bytes:
        packet = wire.ipv4(*everyone, options + payload, UDP, 77, fragment)
        if options:
            head = bytes([0x45 + len(options) // 4]) + packet[1:10] + b"\0\0" + packet[12:20 + len(options)]
            packet = head[:10] + struct.pack("!H", wire.checksum(head)) + head[12:] + packet[20 + len(options):]
        return wire.ethernet(to, me, wire.IPV4, packet)

    return {
        "its own, to be heard": [frame(datagram(message(me, OWN)))],
        "plain": [frame(claim)],
        "to the host's hardware address": [frame(claim, to=field.bridge)],
        "with IP options": [frame(claim, options=b"\x01\x01\x01\x00")],
        "cut before the card": [frame(claim[:32], 0x2000), frame(claim[32:], 4)],
        "cut behind the ports": [frame(claim[:8], 0x2000), frame(claim[8:], 1)],
        "cut, the end first": [frame(claim[32:], 4), frame(claim[:32], 0x2000)],
        "in VLAN 0": [wire.tagged(frame(claim), (wire.VLAN, 0))],
        "behind SNAP": [wire.snap(frame(claim))],
        "to the metadata address": [wire.ethernet(field.bridge, me, wire.IPV4, wire.ipv4(own, wire.ip(METADATA[4]), claim, UDP, 78, 0))],
    }


class Attack(attack.Attack):
    """The forger asks for victim-1."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (4,)
    proofs = (("address", 4),)

    def attack(self, field: Field) -> None:
        """Asks in every dress."""
        dresses.send(field, kinds(field))

    def during(self, host: Host, outcome: Outcome) -> None:
        """Hears what a DHCP server of the host would."""
        heard = {OWN: 0, CLAIMED: 0}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            server.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"br0\0")
            server.bind(("", SERVER))
            end = time.monotonic() + 3
            while (left := end - time.monotonic()) > 0:
                if select.select([server], [], [], left)[0] and (name := server.recv(2048)[4:8]) in heard:
                    heard[name] += 1
        outcome.host_report["heard"] = {name.decode().strip(): count for name, count in heard.items()}

    def gained(self, outcome: Outcome) -> str | None:
        """A server that hears the victim's name."""
        heard = outcome.host_report["heard"]
        if not heard["own"]:
            raise space.Failure("the host heard nothing at all: the attack does not work")
        return f"the host's DHCP server heard {heard['vict']} messages for victim-1's card" if heard["vict"] else None

    def weaken(self, host: Host) -> None:
        """Lets the guest name any card."""
        rules.remove(r"goto dhcp_", "netdev", "(from_port|request)_.*")
