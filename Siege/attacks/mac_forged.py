"""A guest bears a victim's hardware address, and address.

It floods the bridge in the victim's name, to move the victim to its own port, and begins connections as the victim. Gained: what is the
victim's, or that the victim is not served. In the way: the tap names the guest and not what its frames bear, and the guard drops frames
with another guest's hardware address (counter `spoofed`).
"""

import attack
import rules
import wire
from attack import Outcome
from field import Field
from host import Host
from puppets import Puppets


class Attack(attack.Attack):
    """The forger is victim-1, as far as frames can say so."""

    hosts = ("address", "redirect", "bridge", "auto")
    proofs = (("address", 4), ("address", 6))

    def attack(self, field: Field) -> None:
        """Floods and connects."""
        card = wire.Wire()
        puppets, port, victim = Puppets(field, card), 20000, field.victims[0]
        noise = wire.ethernet(field.bridge, victim.link, 0x88B5, bytes(46))
        field.ready()
        while field.goes_on():
            card.send(*[noise] * 20)
            port = 20000 + (port + 1) % 20000
            puppets.connect(victim.link, field.own(victim), port)
            puppets.connect(victim.link, field.own(), port + 20000)
            puppets.work(0.01)
        field.report |= {"bodies": sorted(puppets.bodies()), "opened": puppets.opened, "sniffed": puppets.astray}

    def gained(self, outcome: Outcome) -> str | None:
        """A connection in another's name, or sight of another's replies."""
        found = outcome.forger
        if found["opened"] or found["sniffed"]:
            return f"{found['opened']} connections in the victim's name, {found['bodies']}; {found['sniffed']} of the victim's packets seen"
        return None

    def weaken(self, host: Host) -> None:
        """Lets frames with others' hardware addresses in."""
        rules.remove(r"jump other_mac_", "netdev", f"from_port_{rules.index(host.forger.tap)}")
