"""A guest's tap is removed and made again, under the same name, while its neighbour claims to be it.

Between the two there is a moment in which the tap, or its owner, is not known. Gained: the victim's data for who is in that moment taken
for it; a victim that is not served when it is back; connections of others that break. In the way: rules and sockets belong to the index
of the interface and not to its name, and a tap without a known owner waits.
"""

import time

import attack
import rules
import space
import wire
from attack import Outcome
from field import Field
from host import Host
from puppets import Puppets

# How soon after it is plugged in a guest must be served, in seconds.
SOON = 4.0


class Attack(attack.Attack):
    """Victim-1 comes and goes; the others ask."""

    hosts = ("address", "redirect", "bridge")
    victims = slice(1, None)
    proofs = (("address", 4),)

    def attack(self, field: Field) -> None:
        """Is victim-1, whenever that may help."""
        card, port, victim = wire.Wire(), 20000, field.victims[0]
        puppets = Puppets(field, card)
        field.ready()
        while field.goes_on():
            port = 20000 + (port + 1) % 20000
            card.send(wire.ethernet(field.bridge, victim.link, 0x88B5, bytes(46)))
            puppets.connect(victim.link, field.own(victim), port)
            puppets.connect(field.me.link, field.own(victim), port + 20000)
            puppets.work(0.02)
        field.report["bodies"] = sorted(puppets.bodies())

    def during(self, host: Host, outcome: Outcome) -> None:
        """Unplugs and plugs, four times."""
        victim, times = host.victims[0], []
        for _ in range(4):
            victim.unplug()
            time.sleep(0.1)
            host.plug(victim)
            begin = time.monotonic()
            try:
                host.wait_until_served(victim, seconds=15)
            except space.Failure:
                times.append(99.0)
                break
            times.append(round(time.monotonic() - begin, 2))
        outcome.host_report["served_after"] = times

    def gained(self, outcome: Outcome) -> str | None:
        """Another's data, or a victim that waits."""
        if any("victim" in body for body in outcome.forger["bodies"]):
            return f"the forger read {outcome.forger['bodies']}"
        late = max(outcome.host_report["served_after"])
        return f"the victim was served {late} s after it was plugged in" if late > SOON else None

    def weaken(self, host: Host) -> None:
        """Lets the forger bear others' hardware addresses, and has it reach the socket of a victim."""
        rules.remove(r"jump other_mac_", "netdev", f"from_port_{rules.index(host.forger.tap)}")
        rules.confuse(host.forger.tap, host.victims[1].tap)
