"""A guest opens all connections that it may, asks without an end, and reads nothing.

Requests that are pipelined, bodies that are to be taken in, replies that wait: each is memory of the server's, times the connections.
Gained: a server that the host's kernel ends for want of memory. In the way: small reads, one at a time, a short queue for each
connection, and replies that nobody reads are counted for all together.
"""

import contextlib
import socket
import time

import attack
import space
from attack import Outcome
from field import METADATA, Field
from host import Host

# By how much RssAnon may grow, in KiB: half a megabyte for each connection that a guest may have.
MOST = 64 << 10


class Attack(attack.Attack):
    """All connections, all full."""

    hosts = ("address", "redirect")
    no_proof = "no option takes away bounds that are in the code; a build without them grew from 54 to 1,232 MiB by this"

    def attack(self, field: Field) -> None:
        """Opens, writes, and does not read."""
        kept: list[socket.socket] = []
        question = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n" * 2000
        body = b"POST / HTTP/1.1\r\nHost: 169.254.169.254\r\nContent-Length: 65000\r\n\r\n" + b"x" * 65000
        family = socket.AF_INET if field.family == 4 else socket.AF_INET6
        for _ in range(128):
            one = socket.socket(family)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(2)
            with contextlib.suppress(OSError):
                one.connect((METADATA[field.family], 80))
                one.setblocking(False)
                kept.append(one)
        field.report["connections"] = len(kept)
        field.ready()
        sent, positions = 0, [0] * len(kept)
        text = [question if number % 2 else body for number in range(len(kept))]
        while field.goes_on():
            for number, one in enumerate(kept):
                with contextlib.suppress(OSError):
                    count = one.send(text[number][positions[number]:][:1 << 17])
                    positions[number] = (positions[number] + count) % len(text[number])
                    sent += count
            time.sleep(0.005)
        field.report["sent"] = sent

    def prepare(self, host: Host) -> None:
        """Notes the server's memory."""
        self.before = host.server.memory()

    before = 0

    def gained(self, outcome: Outcome) -> str | None:
        """Memory."""
        if outcome.forger["connections"] < 50:
            raise space.Failure(f"only {outcome.forger['connections']} connections: the attack does not work")
        grown = outcome.memory - self.before
        return f"RssAnon grew by {grown >> 10} MiB" if grown > MOST else None
