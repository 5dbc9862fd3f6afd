"""A guest takes the gateway's place and only passes on what it gets.

As gateway_answered, but the forger sends a victim's packets on to the true server with nothing changed but the Ethernet addresses, and
the answers back: no frame of it says what is not so. Gained: the server takes the victim's request for the forger's, so that the victim
runs the forger's user data; and all that the victim says is read, tokens included. In the way: a request goes to the host by the tap that
it entered by, whatever its Ethernet destination.
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
    """The forger forwards."""

    hosts = ("address", "redirect", "bridge", "auto")
    proofs = (("address", 4), ("address", 6))

    def prepare(self, host: Host) -> None:
        """One victim's way leads over the forger without any claim."""
        host.victims[-1].route(host.forger.ip4, host.forger.ip6)

    def attack(self, field: Field) -> None:
        """Claims the gateway, and forwards in both directions."""
        card, seen = wire.Wire(), 0
        claim = claims.of_gateway(field)
        card.send(*claim)
        field.ready()
        links = {field.own(one): one.link for one in field.victims}
        while field.goes_on():
            card.send(*claim)
            for frame in card.received(0.03):
                segment = wire.parse(frame)
                if segment and segment.source in links and segment.destination == field.metadata:
                    seen += 1
                    card.send(wire.forwarded(frame, field.bridge, field.me.link))
                elif segment and segment.source == field.metadata and segment.destination in links:
                    seen += 1
                    card.send(wire.forwarded(frame, links[segment.destination], field.me.link))
        field.report["seen"] = seen

    def gained(self, outcome: Outcome) -> str | None:
        """A victim's packet, or a victim that read another's metadata."""
        if wrong := outcome.victims.get("wrong"):
            return f"victims were given {wrong} answers that are the forger's"
        return f"the forger saw {outcome.forger['seen']} packets of victims' connections" if outcome.forger["seen"] else None

    def weaken(self, host: Host) -> None:
        """Bridges victims' requests as other frames, and lets the forger send their answers on."""
        for one in host.victims:
            rules.overlook(one.tap)
        rules.let_speak()

    def restore(self, host: Host) -> None:
        """The victims' routes and beliefs."""
        for one in host.victims:
            space.call("ip", "-n", one.name, "-6", "route", "flush", "proto", "ra")
        host.heal()
