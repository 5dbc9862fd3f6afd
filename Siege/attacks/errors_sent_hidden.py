"""A neighbour tells a victim that the metadata address cannot be reached, by errors that rules do not see.

As errors_sent, but each error is in two fragments, and the cut is between two further headers: no fragment tells that ICMP follows, and the
victim puts them together. So does a machine on the LAN, whose errors are bridged or forwarded. Gained: as there. In the way: fragments whose
first content is a further header are dropped where they enter the bridge, by a guest's port (chain `guard_headers_…`) or an uplink
(`uplink_errors`), and where they are forwarded to it (`forward`).
"""

import rules
import space
from attacks import errors_sent
from attacks.lib import errors
from host import Host


class Attack(errors_sent.Attack):
    """The same guests."""

    families = (6,)
    proofs = (("address", 6), ("auto", 6))

    def dressed(self, link: tuple[bytes, bytes], pair: tuple[bytes, bytes], body: bytes, number: int) -> list[bytes]:
        """An error in each dress."""
        return errors.hidden(link, pair, body, number)

    def prepare(self, host: Host) -> None:
        """The host forwards, so that the LAN reaches victims by it too."""
        space.setting("net.ipv6.conf.all.forwarding", 1)

    def weaken(self, host: Host) -> None:
        """Lets such fragments through, but no other errors: where there is a LAN, only those that the host forwards."""
        if not host.kind.has_uplink:
            rules.remove(r"frag nexthdr \{", "netdev", "guard_headers_.*")
        rules.remove(r"frag nexthdr \{", "inet", "forward")
        rules.trust_what_leaves()

    def restore(self, host: Host) -> None:
        """Forwards no more."""
        space.setting("net.ipv6.conf.all.forwarding", 0)
        host.heal()
