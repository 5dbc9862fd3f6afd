"""A guest takes a victim's IP address and begins connections from the ports that the victim is about to use.

What the host's kernel knows of a connection is two addresses and two ports. An attacker that is first has the victim's SYN meet a
connection that is not its own. Gained: victims that cannot connect; by chance, a connection between two guests. In the way: each tap has
a socket with a port of its own, so that two guests with the same address and port are two connections, each answered by its own tap.
"""

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import claims
from field import Field
from host import Host
from puppets import Puppets

# The few ports that victims have, so that the attacker can have them all.
FIRST, LAST = 40000, 40799


class Attack(attack.Attack):
    """The forger has each victim's address, and its ports."""

    hosts = ("address", "redirect", "bridge", "auto")
    # Connections that have ended keep their port for a while; and the host believes a claim a second after the last, so victims ask for longer.
    rate = 100
    rest = 2
    seconds = 4
    proofs = (("address", 4), ("address", 6))

    def prepare(self, host: Host) -> None:
        """Leaves victims few ports, of which the forger can guess the next."""
        for one in host.victims:
            space.setting("net.ipv4.ip_local_port_range", f"{FIRST} {LAST}", one.name)

    def attack(self, field: Field) -> None:
        """Connects from every victim's address and every port, in its own hardware address, and asks."""
        card, port, turn = wire.Wire(), FIRST, 0
        puppets, claim = Puppets(field, card), claims.of_victims(field)
        field.ready()
        while field.goes_on():
            card.send(*claim)
            port = FIRST + (port + 7 - FIRST) % (LAST - FIRST + 1)
            turn += 1
            victims = field.victims if turn % 4 else field.victims[:1]
            for one in victims:
                puppets.connect(field.me.link, field.own(one), port)
            puppets.work(0.03)
        field.report |= {"opened": puppets.opened, "bodies": sorted(puppets.bodies()), "seen": puppets.astray}

    def gained(self, outcome: Outcome) -> str | None:
        """What is a victim's, or victims that could not connect."""
        found = outcome.forger
        if not found["opened"]:
            raise space.Failure("the forger opened no connection at all: the attack does not work")
        if any("victim" in body for body in found["bodies"]):
            return f"the forger read {found['bodies']}"
        if found["seen"]:
            return f"the forger saw {found['seen']} packets of victims' connections"
        hurt = outcome.lost or outcome.victims.get("reconnected", 0)
        return f"victims lost {outcome.lost} requests, and {hurt - outcome.lost} connections" if hurt else None

    def weaken(self, host: Host) -> None:
        """Has the forger's requests go to the first victim's socket, and its replies to who claims them."""
        rules.confuse(host.forger.tap, host.victims[0].tap)

    def restore(self, host: Host) -> None:
        """The usual ports."""
        for one in host.victims:
            space.setting("net.ipv4.ip_local_port_range", "32768 60999", one.name)
