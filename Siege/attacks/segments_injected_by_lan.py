"""A machine on the LAN ends, or fills, victims' connections by segments of its own making, in tags that mean no VLAN.

As segments_injected, from beyond an uplink of the bridge, by a machine that is no guest. In the way: what enters by an uplink comes to none of
our sockets, and no frame from there bears a metadata address as its source, tagged or not (chain `uplink_…`).
"""

import rules
import wire
from attacks import segments_injected
from host import Host


class Attack(segments_injected.Attack):
    """The attacker stands on the LAN."""

    hosts = ("auto",)
    attackers = ("lan",)
    proofs = (("auto", 4), ("auto", 6))
    dresses = (
        (), ((wire.VLAN, 0),), ((wire.PROVIDER_VLAN, 0),), ((wire.VLAN, 0), (wire.VLAN, 0)),
        ((wire.PROVIDER_VLAN, 0), (wire.VLAN, 0)))

    def weaken(self, host: Host) -> None:
        """Lets the LAN send as the metadata service."""
        rules.remove(r"^ip6? saddr ", "netdev", "uplink_.*")
