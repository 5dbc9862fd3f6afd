"""A guest invents hardware addresses, each with connections of its own, until the server has no room for others.

Whoever is counted by his hardware address has as many limits as he has addresses. Gained: `--connections` is full, and victims are not
let in. In the way: what a guest may have is counted by its tap, and each tap has a queue of its own before a connection is accepted.
"""

import attack
import space
import wire
from attack import Outcome
from field import Field
from puppets import Puppets, invented


class Attack(attack.Attack):
    """Four hundred connections for a server that takes four hundred."""

    options = ("--connections", "400")
    rest = 2
    no_proof = "counting by hardware address has no option; the program that did so lost every victim"

    def attack(self, field: Field) -> None:
        """Keeps what it gets, and tries again."""
        card = wire.Wire()
        puppets, number, begun = Puppets(field, card), 0, False
        while field.goes_on():
            for _ in range(2):
                number += 1
                link, address = invented(number // 60, field.family)
                puppets.connect(link, address, 20000 + number % 30000, request=b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
            puppets.work(0.015)
            if number > 400 and not begun:
                begun = True
                field.ready()
        field.report |= {"opened": puppets.opened, "open": puppets.still_open, "tried": number}

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that were not served."""
        if not outcome.forger["opened"]:
            raise space.Failure("no connection was opened at all: the attack does not work")
        return f"victims lost {outcome.lost} requests to {outcome.forger['open']} connections" if outcome.lost else None
