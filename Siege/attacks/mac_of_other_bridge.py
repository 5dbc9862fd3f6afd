"""An operator gives his domain a card on another bridge, with the hardware address of somebody else's guest.

On that bridge the address is his to choose; on the first one his guest now bears it too, and floods, so that the bridge sends it what is
the victim's. Gained: sight of replies to the victim, and a victim without metadata. In the way: a tap may bear the addresses that its
domain has on this bridge alone (counter `spoofed`), and replies leave by the tap that their connection came by.
"""

import attack
import rules
import wire
from attack import Outcome
from field import Field
from host import Host


class Attack(attack.Attack):
    """The forger's domain has a card on br1 with victim-1's address."""

    families = (4,)
    proofs = (("address", 4),)

    def prepare(self, host: Host) -> None:
        """Defines it."""
        host.redefine(host.forger, host.forger.xml(host.forger.interface(mac=host.victims[0].mac, bridge="br1", tap="tap-z")))

    def attack(self, field: Field) -> None:
        """Floods, and sniffs."""
        card, seen = wire.Wire(), 0
        noise = wire.ethernet(field.bridge, field.victims[0].link, 0x88B5, bytes(46))
        victim = field.own(field.victims[0])
        field.ready()
        while field.goes_on():
            card.send(*[noise] * 20)
            seen += sum(segment.destination == victim and bool(segment.data) for segment in card.segments(0.002))
        field.report["seen"] = seen

    def gained(self, outcome: Outcome) -> str | None:
        """Replies to the victim."""
        return f"the forger saw {outcome.forger['seen']} replies to the victim" if outcome.forger["seen"] else None

    def weaken(self, host: Host) -> None:
        """Lets the frames in, and lets the bridge choose where replies go."""
        rules.remove(r"jump other_mac_", "netdev", f"from_port_{rules.index(host.forger.tap)}")
        rules.unbind(host.victims[0].tap)

    def restore(self, host: Host) -> None:
        """The forger's own XML."""
        host.redefine(host.forger, host.forger.xml())
