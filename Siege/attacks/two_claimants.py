"""An operator defines a domain whose interface names a neighbour's tap and bridge.

libvirt's test driver lets two running domains have one tap, and so would a host whose domains are defined carelessly. Gained: the
neighbour's data, or the neighbour's belief. In the way: a tap that two running domains claim is nobody's, and the guard keeps the
hardware addresses of both. That the victim is not served meanwhile is the price: nobody can know who is right.
"""

import attack
import space
from attack import Outcome
from attacks.target_of_others import intruder
from field import METADATA, Field, ask
from host import Host


class Attack(attack.Attack):
    """A domain that names victim-1's tap and address, and the forger's guest, which bears that address."""

    families = (4, 6)
    hosts = ("address", "redirect")
    victims = slice(1, None)
    no_proof = "no option lets one of two claimants win"

    def prepare(self, host: Host) -> None:
        """Starts it."""
        first = host.victims[0]
        host.hypervisor.start(intruder(first.interface(mac="52:54:00:00:09:01")))

    def attack(self, field: Field) -> None:
        """Asks; what the forger reads must be its own."""
        field.ready()
        bodies = set()
        while field.goes_on():
            bodies.add(ask(METADATA[field.family])[1].decode())
        field.report["bodies"] = sorted(bodies)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Asks as the victim whose tap it is."""
        seen = set()
        with space.inside(host.victims[0].name):
            for _ in range(2):
                status, body = ask(METADATA[outcome.family], seconds=6)
                seen.add((status, body.decode(errors="replace")))
        outcome.host_report["victim"] = sorted(seen)

    def gained(self, outcome: Outcome) -> str | None:
        """The intruder's data in the victim, or the victim's elsewhere."""
        if any("intruder" in body for _, body in outcome.host_report["victim"]):
            return "the victim read the intruder's user data"
        foreign = [body for body in outcome.forger["bodies"] if "USER-DATA" in body and body != outcome.host.forger.body]
        return f"the forger read {foreign}" if foreign else None

    def restore(self, host: Host) -> None:
        """Ends the domain, and waits until the victim is served."""
        host.hypervisor.stop("intruder")
        host.wait_until_served(host.victims[0])
