"""A guest claims fe80::a9fe:a9fe by neighbour discovery, in every dress that a message can have.

Advertisements, solicitations, router advertisements and redirects, by target and by source, solicited or not, behind hop-by-hop and
destination options, in atomic and real fragments, and tagged. What is claimed is a hardware address of its own for each kind, so that a
victim's neighbour table tells which was believed. In the way: no guest sends with a metadata address as its source, none advertises one,
and neighbour discovery does not come in fragments or in VLAN 0 (counters `spoofed`, `fragmented`, `encapsulated`).
"""

import struct

import attack
import rules
import wire
from attack import Outcome
from attacks.arp_claims import believed
from field import LOCAL, Field
from guest import Guest
from host import Host

META = wire.ip(LOCAL)


def _header(following: int) -> bytes:
    """Options that are padding."""
    return bytes([following, 0, 1, 4, 0, 0, 0, 0])


def _fragments(frame: bytes, at: int) -> list[bytes]:
    """The same message in two fragments, cut behind so many bytes."""
    head, body = frame[14:54], frame[54:54 + struct.unpack("!H", frame[18:20])[0]]
    parts = []
    for offset, more, part in ((0, 1, body[:at]), (at, 0, body[at:])):
        payload = struct.pack("!BBHI", wire.ICMPV6, 0, offset | more, 77) + part
        parts.append(frame[:14] + head[:4] + struct.pack("!HBB", len(payload), wire.FRAGMENT, 255) + head[8:] + payload)
    return parts


def kinds(field: Field, victim: Guest) -> dict[str, list[bytes]]:
    """The frames, by what is special about them."""
    mine, his = wire.ip(field.me.local6), wire.ip(victim.local6)
    claimed = iter(range(1, 100))

    def link() -> bytes:
        return wire.mac(f"52:54:ee:00:00:{next(claimed):02x}")

    def message(source: bytes, body: bytes, headers: bytes = b"", following: int = wire.ICMPV6) -> bytes:
        return wire.discovery(victim.link, field.me.link, (source, his), body, headers, following)

    def advertisement(flags: int = 0xE0000000) -> bytes:
        return wire.advertisement(META, link(), flags)

    def redirect() -> bytes:
        return struct.pack("!BBHI", wire.REDIRECT, 0, 0, 0) + META + META + b"\x02\x01" + link()

    fifteen = b"".join(_header(wire.DESTINATION_OPTIONS if number < 14 else wire.ICMPV6) for number in range(15))
    atomic = struct.pack("!BBHI", wire.ICMPV6, 0, 0, 7)
    return {
        "an advertisement from the address itself": [message(META, advertisement())],
        "an advertisement from the forger's own": [message(mine, advertisement())],
        "an unsolicited one": [message(mine, advertisement(0x20000000))],
        "an advertisement behind hop-by-hop options": [message(mine, advertisement(), _header(wire.ICMPV6), wire.HOP_BY_HOP)],
        "an advertisement behind fifteen headers": [message(mine, advertisement(), fifteen, wire.DESTINATION_OPTIONS)],
        "an advertisement in an atomic fragment": [message(mine, advertisement(), atomic, wire.FRAGMENT)],
        "an advertisement in two fragments": _fragments(message(mine, advertisement()), 8),
        "a solicitation whose source is the address": [message(META, wire.solicitation(his, link()))],
        "that behind hop-by-hop options": [message(META, wire.solicitation(his, link()), _header(wire.ICMPV6), wire.HOP_BY_HOP)],
        "a router advertisement whose source is the address": [message(META, wire.router_advertisement(link(), 0))],
        "a router solicitation whose source is the address": [
            message(META, struct.pack("!BBHI", wire.ROUTER_SOLICITATION, 0, 0, 0) + b"\x01\x01" + link())],
        "a redirect whose source is the address": [message(META, redirect())],
        "an advertisement in VLAN 0": [wire.tagged(message(mine, advertisement()), (wire.VLAN, 0))],
        "an advertisement in VLAN 0 of 802.1ad": [wire.tagged(message(mine, advertisement()), (wire.PROVIDER_VLAN, 0))],
        "an advertisement in VLAN 0 twice": [wire.tagged(message(mine, advertisement()), (wire.PROVIDER_VLAN, 0), (wire.VLAN, 0))],
        "a solicitation from the address in VLAN 0": [wire.tagged(message(META, wire.solicitation(his, link())), (wire.VLAN, 0))],
        "an advertisement behind SNAP": [wire.snap(message(mine, advertisement()))],
    }


class Attack(attack.Attack):
    """Every claim, to every victim, again and again."""

    hosts = ("address", "bridge")
    families = (6,)
    proofs = (("address", 6),)

    def attack(self, field: Field) -> None:
        """Sends them."""
        card = wire.Wire()
        field.report["kinds"] = list(kinds(field, field.victims[0]))
        every = [list(kinds(field, one).values()) for one in field.victims]
        field.ready()
        while field.goes_on():
            for kind in zip(*every, strict=True):
                for frames in kind:
                    card.send(*frames)
                for _ in card.received(0.004):
                    pass

    def during(self, host: Host, outcome: Outcome) -> None:
        """Reads the victims' neighbour tables."""
        outcome.host_report["believed"] = believed(host, LOCAL)

    def gained(self, outcome: Outcome) -> str | None:
        """A claim that was believed."""
        names = [outcome.forger["kinds"][number - 1] for number in outcome.host_report["believed"]]
        return f"victims believed: {', '.join(names)}" if names else None

    def weaken(self, host: Host) -> None:
        """Lets neighbour discovery pass."""
        index = rules.index("br0")
        rules.remove(r"^ip6 saddr ", "netdev", f"guard_ip6_{index}")
        rules.remove(r"nd-neighbor-advert", "netdev", f"guard_discovery_{index}")
        rules.remove(r".", "netdev", "guard_tags")

    def restore(self, host: Host) -> None:
        """The victims' beliefs."""
        host.heal()
