"""A guest invents addresses, each of which is logged as an unknown client's, until the log takes no more of them.

What may be logged in a minute has a bound, for a guest invents faster than a person reads. Gained: an operator who does not see that another
guest gets no metadata, and why. In the way: clients of a bridge are logged by their port, and each port has a part of what may be logged.
"""

import time

import attack
import space
import wire
from attack import Outcome
from field import METADATA, Field, ask
from host import Host
from puppets import Puppets, invented

MESSAGE = "client not matched to any domain"


class Attack(attack.Attack):
    """The forger is a hundred others; then the stranger asks, whom nobody knows."""

    hosts = ("address", "redirect")
    # A server whose log has room, and that does not let the stranger wait.
    options = ("--hold-timeout", "200ms")
    has_victims = False
    no_proof = "no option changes what is logged; the messages about the forger, which must be there, show that it is logged"

    def attack(self, field: Field) -> None:
        """Asks in ever other names."""
        card, number = wire.Wire(), 0
        puppets = Puppets(field, card)
        field.ready()
        while field.goes_on():
            number += 1
            link, address = invented(number, field.family)
            puppets.connect(link, address, 20000 + number % 40000)
            puppets.work(0.012)
        field.report["opened"] = puppets.opened

    def during(self, host: Host, outcome: Outcome) -> None:
        """Asks as the stranger."""
        time.sleep(4)
        with space.inside(host.stranger.name):
            outcome.host_report["status"] = ask(METADATA[outcome.family], seconds=5)[0]
        time.sleep(0.3)
        lines = [line for line in host.server.output.splitlines() if MESSAGE in line]
        for one in (host.forger, host.stranger):
            outcome.host_report[one.name] = sum(f"port={one.tap}" in line for line in lines)

    def gained(self, outcome: Outcome) -> str | None:
        """A stranger who was not logged."""
        found = outcome.host_report
        if outcome.forger["opened"] < 100 or not found["forger"]:
            raise space.Failure(f"the attack does not work: {outcome.forger['opened']} connections, {found}")
        return None if found["stranger"] else f"{found['forger']} messages about the forger, and none about the stranger"
