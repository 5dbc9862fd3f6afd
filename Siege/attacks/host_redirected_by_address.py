"""A neighbour tells the host of a better router for a victim, by messages to the metadata address.

As host_redirected_past_bridge, but the host is told at 169.254.169.254, which is its own address too: what a guest sends there passes other rules at its
port. In the way: they look for errors as well (chains `request_…`, `guard_errors`).
"""

import rules
from attacks import host_redirected_past_bridge
from field import METADATA
from host import Host


class Attack(host_redirected_past_bridge.Attack):
    """The forger."""

    families = (4,)
    proofs = (("auto", 4),)
    to = METADATA[4]

    def weaken(self, host: Host) -> None:
        """Lets such messages in."""
        rules.remove(r"goto guard_errors", "netdev", "request_.*")
