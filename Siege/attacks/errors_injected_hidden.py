"""A neighbour ends a victim's half-open connection by errors that rules do not see.

As errors_injected, in fragments as errors_sent_hidden sends them: the host's rules see each by itself, before it puts them together. Gained: as
there. In the way: such fragments are dropped where they enter the bridge, and where they enter the host (chains `guard_headers_…`, `input`).
"""

import rules
from attacks import errors_injected
from attacks.lib import errors
from host import Host


class Attack(errors_injected.Attack):
    """The same guests."""

    families = (6,)
    proofs = (("address", 6), ("redirect", 6))

    def dressed(self, link: tuple[bytes, bytes], outer: tuple[bytes, bytes], inner: tuple[bytes, bytes], begin: bytes, number: int) -> list[bytes]:
        """An error in each dress."""
        body = errors.message(errors.UNREACHABLE[6], outer, errors.about(inner, begin))
        return errors.hidden(link, outer, body, number)

    def weaken(self, host: Host) -> None:
        """Lets such fragments in, but no other errors."""
        rules.remove(r"frag nexthdr \{", "netdev", "guard_headers_.*")
        rules.remove(r"frag nexthdr \{", "inet", "input")
