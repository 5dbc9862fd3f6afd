"""A guest claims 169.254.169.254 by ARP, in every dress that a frame can have.

Victims have the address on their own link, as guests without a gateway do, and ask for its hardware address. Twenty-two kinds of claim:
requests and replies, gratuitous ones, other hardware types, RARP, behind LLC and SNAP, tagged 802.1Q, 802.1ad and both, with VLAN 0 and
others, from sources that are somebody else's. Each claims a hardware address of its own, so that a victim's neighbour table tells which
was believed. In the way: the guard drops ARP whose sender is the metadata address, whatever it is wrapped in (counters `spoofed`,
`encapsulated`).
"""

import time

import attack
import rules
import space
import wire
from attack import Outcome
from field import METADATA, Field
from guest import Guest
from host import Host

META = METADATA[4]


def kinds(field: Field, victim: Guest) -> dict[str, bytes]:
    """The frames, by what is special about them."""
    me, to, address, zero = field.me.link, victim.link, victim.ip4, bytes(6)
    claimed = iter(range(1, 100))

    def claim(operation: int, *, source: bytes = me, to: bytes = to, target: str = address, hardware: int = 1) -> bytes:
        return wire.arp(to, source, operation, (wire.mac(f"52:54:ee:00:00:{next(claimed):02x}"), META), (victim.link, target), hardware)

    return {
        "a reply": claim(2),
        "a request": claim(1),
        "a gratuitous request": claim(1, to=wire.BROADCAST, target=META),
        "a gratuitous reply": claim(2, to=wire.BROADCAST, target=META),
        "a reply of hardware type 6": claim(2, hardware=6),
        "a request of hardware type 6": claim(1, hardware=6),
        "hardware type 15": claim(2, hardware=15),
        "RARP": claim(4).replace(b"\x08\x06", b"\x80\x35", 1),
        "behind SNAP": wire.snap(claim(2)),
        "802.1Q, VLAN 0": wire.tagged(claim(2), (wire.VLAN, 0)),
        "802.1ad, VLAN 0": wire.tagged(claim(2), (wire.PROVIDER_VLAN, 0)),
        "802.1ad and 802.1Q, VLAN 0": wire.tagged(claim(2), (wire.PROVIDER_VLAN, 0), (wire.VLAN, 0)),
        "802.1Q twice, VLAN 0": wire.tagged(claim(2), (wire.VLAN, 0), (wire.VLAN, 0)),
        "802.1Q, VLAN 0 with priority": wire.tagged(claim(2), (wire.VLAN, 0xE000)),
        "802.1Q, VLAN 5": wire.tagged(claim(2), (wire.VLAN, 5)),
        "0x9100": wire.tagged(claim(2), (0x9100, 0)),
        "SNAP in VLAN 0": wire.tagged(wire.snap(claim(2)), (wire.VLAN, 0)),
        "from the bridge's hardware address": claim(2, source=field.bridge),
        "from the victim's": claim(2, source=victim.link),
        "from nobody's": claim(2, source=wire.mac("52:54:00:99:99:99")),
        "from a group's": claim(2, source=wire.mac("01:00:5e:00:00:01")),
        "from none": claim(2, source=zero),
        "to a group of IPv6": claim(2, to=wire.mac("33:33:00:00:00:01")),
        "to a link-local group": claim(2, to=wire.mac("01:80:c2:00:00:0e")),
    }


class Attack(attack.Attack):
    """Every claim, to every victim, again and again."""

    # Where requests are redirected, nobody answers for the address itself.
    hosts = ("address", "bridge", "auto")
    families = (4,)
    proofs = (("address", 4),)

    def prepare(self, host: Host) -> None:
        """The address is on the victims' own link. An entry may change at any time, and not once a second."""
        for one in host.victims:
            space.setting("net.ipv4.neigh.eth0.locktime", 0, one.name)
            space.ip(f"route replace {META} dev eth0", one.name)

    def attack(self, field: Field) -> None:
        """Sends them."""
        card, sent = wire.Wire(), 0
        field.report["kinds"] = list(kinds(field, field.victims[0]))
        frames = [list(kinds(field, one).values()) for one in field.victims]
        field.ready()
        while field.goes_on():
            for kind in zip(*frames, strict=True):
                card.send(*kind)
                sent += len(kind)
                for _ in card.received(0.004):
                    pass
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Reads the victims' neighbour tables."""
        outcome.host_report["believed"] = believed(host, META)

    def gained(self, outcome: Outcome) -> str | None:
        """A claim that was believed."""
        names = [outcome.forger["kinds"][number - 1] if number - 1 < len(outcome.forger["kinds"]) else str(number)
                 for number in outcome.host_report["believed"]]
        return f"victims believed: {', '.join(names)}" if names else None

    def weaken(self, host: Host) -> None:
        """Lets ARP pass, and tags."""
        rules.remove(r"^arp saddr ip ", "netdev", f"guard_arp_{rules.index('br0')}")
        rules.remove(r".", "netdev", "guard_tags")

    def restore(self, host: Host) -> None:
        """The way over the gateway."""
        for one in host.victims:
            space.ip(f"route del {META} dev eth0", one.name)
        host.heal()


def believed(host: Host, address: str, seconds: float = 2.0) -> list[int]:
    """The numbers of the claims that were in a victim's neighbour table at some time."""
    found, deadline = set(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        for one in host.victims[:3]:
            entry = space.call("ip", "-n", one.name, "neighbour", "show", "to", address)
            if "52:54:ee:00:00:" in entry:
                found.add(int(entry.split("52:54:ee:00:00:")[1][:2], 16))
        time.sleep(0.02)
    return sorted(found)
