"""A guest advertises itself as a router to what the host has on top of the bridge: a macvlan here, a VLAN alike.

A host may have its own address on `br0.100`, or on a macvlan. What comes by these is not from one of the bridges to rules that name them, though a
guest has sent it. Gained: as router_past_bridge. In the way: the guard's mark, which the host's rules look for whatever a packet came by (chain
`input`).
"""

import contextlib
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import dresses
from attacks.router_past_bridge import believed, frames
from field import Field
from host import Host

LINK = "02:00:00:00:07:01"


class Attack(attack.Attack):
    """The forger advertises to the host's own link."""

    hosts = ("address", "redirect")
    families = (6,)
    proofs = (("address", 6),)

    def prepare(self, host: Host) -> None:
        """The host's own link."""
        space.ip(f"link add link br0 name mv0 address {LINK} type macvlan mode bridge\nlink set mv0 up")
        time.sleep(1)

    def attack(self, field: Field) -> None:
        """Advertises."""
        dresses.send(field, {"to the macvlan": frames(field, wire.mac(LINK))})

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at what the host believes."""
        time.sleep(2)
        outcome.host_report["believed"] = believed("mv0")

    def gained(self, outcome: Outcome) -> str | None:
        """A host that believes."""
        return outcome.host_report["believed"]

    def weaken(self, host: Host) -> None:
        """Lets the host hear."""
        rules.remove(r"mark 0x[89a-f]\w{7} ", "inet", "input")

    def restore(self, host: Host) -> None:
        """Removes the link."""
        with contextlib.suppress(space.Failure):
            space.ip("link delete mv0")
        host.heal()
