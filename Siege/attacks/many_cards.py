"""An operator defines a domain with a hundred cards on one bridge, each with a tap of its own.

Each guest's port has listening sockets, and there are no more of these than numbers (`--listener-ports`). Gained: a neighbour whose domain
starts afterwards finds none left and is not served. In the way: a domain has 64 sockets on a bridge at most.
"""

import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import intruder
from field import METADATA, Field, ask
from host import Host

CARDS = 100


class Attack(attack.Attack):
    """The domain with the cards, and victim-1, which is started anew."""

    families = (4,)
    hosts = ("address", "redirect")
    victims = slice(1, None)
    # So few numbers that those of a dozen cards are nearly all of them.
    options = ("--listener-ports", "61000-61099")
    weak_options = ("--listener-ports", "61000-61039")
    proofs = (("address", 4),)

    def prepare(self, host: Host) -> None:
        """Plugs the cards in, and starts their domain."""
        space.ip("\n".join(
            f"link add card-{number} type veth peer name drac-{number}\nlink set card-{number} master br0 up" for number in range(CARDS)))
        host.hypervisor.start(intruder("".join(
            host.forger.interface(mac=f"52:54:00:00:0a:{number:02x}", tap=f"card-{number}") for number in range(CARDS))))
        time.sleep(1)

    def attack(self, field: Field) -> None:
        """Nothing more: the XML is the attack. The forger asks as ever."""
        field.ready()
        while field.goes_on():
            ask(METADATA[field.family])

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts victim-1 anew, with another tap of the same name, as QEMU does."""
        first = host.victims[0]
        host.hypervisor.stop(first.name)
        first.unplug()
        # Its numbers are given back, and may be taken.
        time.sleep(1)
        first.plug()
        host.heal()
        host.hypervisor.start(first.xml())
        try:
            host.wait_until_served(first, seconds=6)
            outcome.host_report["served"] = True
        except space.Failure:
            outcome.host_report["served"] = False

    def gained(self, outcome: Outcome) -> str | None:
        """A victim that is not served any more."""
        if not outcome.host_report["served"]:
            return "victim-1 found no socket after its domain was started anew"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Ends the domain, unplugs its cards, and starts victim-1 if it does not run."""
        names = host.hypervisor.names()
        if "intruder" in names:
            host.hypervisor.stop("intruder")
        first = host.victims[0]
        if first.name not in names:
            host.hypervisor.start(first.xml())
        space.ip("\n".join(f"link delete card-{number}" for number in range(CARDS)))
