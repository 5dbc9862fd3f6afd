"""A neighbour tells the host of a better router for a victim, in frames that a bridge hands to the host as if it were none.

As host_redirected, but the frames are to a reserved address (router_past_bridge). In the way: the guard drops IP to such addresses, and the host takes
no redirect with the guard's mark (chains `guard_errors`, `input`).
"""

import rules
import wire
from attacks import host_redirected
from field import Field
from host import Host

GROUP = wire.mac("01:80:c2:00:00:03")


class Attack(host_redirected.Attack):
    """The forger."""

    attackers = ("forger",)
    # By IPv6 the router's own link-local address is not that of the tap's link, so the host does not believe it there even without rules.
    proofs = (("auto", 4),)

    def attack(self, field: Field) -> None:
        """The same messages, to another hardware address."""
        field.bridge = GROUP
        super().attack(field)

    def weaken(self, host: Host) -> None:
        """Lets the frames in, and the host hear."""
        rules.remove(r"ether daddr &", "netdev", "guard_errors")
        rules.remove(r"mark 0x[89a-f]\w{7} ", "inet", "input")
