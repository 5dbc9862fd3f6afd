"""An operator gives an interface on another bridge the hardware address that a neighbour's domain is going to have.

A guest may ask a moment before libvirt has reported its domain: its request waits. Gained: a starting guest that is told 404, and boots
without its metadata. In the way: whose port it is decides whether a request waits, and not who has the hardware address, nor that the
guest's own domain has stopped a moment before.
"""

import threading
import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import intruder
from field import METADATA, Field, ask
from guest import TAP
from host import Host

# How much later than its guest's request a domain is known, in seconds.
DELAY = 1.0


class Attack(attack.Attack):
    """A victim whose cable is a tap stops, starts, and asks before its domain is known: alone, and beside the intruder."""

    families = (4,)
    hosts = ("address", "redirect")
    victims = slice(2, None)
    no_proof = "no option has a port without a domain refused; without the intruder the request must be answered too"

    def attack(self, field: Field) -> None:
        """Nothing: the XML is the attack."""
        field.wait()

    @staticmethod
    def _starting(host: Host) -> tuple[int, str]:
        """What a guest reads that asks before its domain is known."""
        one = next(victim for victim in host.victims[:2] if victim.cable == TAP)
        host.hypervisor.stop(one.name)
        one.unplug()
        time.sleep(0.5)
        one.plug()
        host.heal()
        time.sleep(0.5)
        start = threading.Timer(DELAY, lambda: host.hypervisor.start(one.xml()))
        start.start()
        with space.inside(one.name):
            status, body = ask(METADATA[4], seconds=8)
        start.join()
        host.wait_until_served(one)
        return status, body.decode(errors="replace")[:40]

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts it, without the intruder and beside it."""
        outcome.host_report["alone"] = self._starting(host)
        for one in host.victims[:2]:
            host.hypervisor.start(intruder(
                f"<interface type='bridge'><mac address='{one.mac}'/><source bridge='br1'/><target dev='nothing0'/></interface>"))
            outcome.host_report[f"beside {one.name}'s"] = self._starting(host)
            host.hypervisor.stop("intruder")

    def gained(self, outcome: Outcome) -> str | None:
        """A request that was refused."""
        return next((f"{name}: the guest was answered {found}" for name, found in outcome.host_report.items() if found[0] != 200), None)

    def restore(self, host: Host) -> None:
        """Ends the intruder."""
        if "intruder" in host.hypervisor.names():
            host.hypervisor.stop("intruder")
        for one in host.victims[:2]:
            host.wait_until_served(one)
