"""Where an attacker stands: a process of its own in a guest's network namespace."""

import contextlib
import json
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import space
import wire
from guest import Guest

if TYPE_CHECKING:
    from host import Host

# An attack that is not told to end does so by itself after so many seconds.
LONGEST = 120
Report = dict[str, Any]
METADATA = {4: "169.254.169.254", 6: "fd00:ec2::254"}
LOCAL = "fe80::a9fe:a9fe"
BRIDGE_MACS = {"br0": "02:00:00:00:00:fe", "br1": "02:00:00:00:01:fe"}


class Field:
    """What an attack knows of its surroundings: all that a guest can find out, and more, for nothing must depend on a secret."""

    def __init__(self, host: "Host", me: Guest, family: int):
        """Knows the host, who attacks, and by which family."""
        self.host, self.me, self.family = host, me, family
        self.metadata = wire.ip(METADATA[family])
        self.bridge = wire.mac(BRIDGE_MACS[me.bridge])
        self.gateway = wire.ip(host.gateway(family))
        self.gateway_link = wire.mac(host.gateway_mac)
        self.victims = host.victims
        self.report: Report = {}
        self.spies: list[wire.Wire] = []
        # What is to be done when the attack is over, so that the next one begins with nothing open.
        self.at_end: list[Callable[[], None]] = []
        self._until = time.monotonic() + LONGEST
        self.is_told_to_end = False

    def goes_on(self) -> bool:
        """Whether the attack has not been told to end."""
        return not self.is_told_to_end and time.monotonic() < self._until

    def wait(self) -> None:
        """Is ready, and waits for the end of an attack that is made elsewhere, such as by the XML of a domain."""
        self.ready()
        while self.goes_on():
            time.sleep(0.05)

    def own(self, one: Guest | None = None) -> bytes:
        """An address of the attacker's, or of another guest, in the family of the attack."""
        return wire.ip((one or self.me).address(self.family))

    def ready(self) -> None:
        """Says that the attack has begun; victims begin then."""
        os.write(self.signal, b"!")

    signal = -1


class Attacker:
    """A forked process that attacks until it is told to end."""

    def __init__(self, field: Field, attack: Callable[[Field], None], spies: tuple[str, ...] = ()):
        """Starts it, and waits until the attack says that it has begun. It hears what goes by some of the host's own devices: what
        holds against who knows everything holds against who has to guess."""
        self.name = field.me.name
        ready, field.signal = os.pipe()
        self._report, write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._attack(field, attack, spies, write)
        os.close(write)
        os.close(field.signal)
        self._kept: Report | None = None
        begun = select.select([ready], [], [], 20)[0] and os.read(ready, 1) == b"!"
        os.close(ready)
        if not begun:
            report = self.end()
            raise space.Failure(f"{self.name}: the attack did not begin: {report.get('failure', '')}")

    @staticmethod
    def _attack(field: Field, attack: Callable[[Field], None], spies: tuple[str, ...], write: int) -> None:
        """Never returns: the process is over after it."""
        status = 1
        try:
            def end(*_: object) -> None:
                field.is_told_to_end = True

            signal.signal(signal.SIGTERM, end)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(LONGEST + 20)
            field.spies = [wire.Wire(device, hears_own=True) for device in spies]
            space.enter(field.me.name)
            attack(field)
            for last in field.at_end:
                last()
            status = 0
        except BaseException:  # pylint: disable=broad-except
            field.report["failure"] = traceback.format_exc()[-1500:]
        finally:
            with contextlib.suppress(BaseException), os.fdopen(write, "w") as file:
                json.dump(field.report, file, default=str)
            os._exit(status)

    def end(self, seconds: float = 20) -> Report:
        """Tells it to end, and gives its report."""
        if self._kept is None:
            self._tell()
            self._kept = self.result(seconds)
        return self._kept

    def _tell(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)

    def result(self, seconds: float) -> Report:
        """Waits until it ends by itself, and gives its report."""
        if self._kept is not None:
            return self._kept
        text, deadline = b"", time.monotonic() + seconds
        while select.select([self._report], [], [], max(0, deadline - time.monotonic()))[0]:
            if not (part := os.read(self._report, 1 << 16)):
                break
            text += part
        else:
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._report)
        os.waitpid(self._pid, 0)
        self._kept = json.loads(text) if text else {"failure": f"the attack did not end within {seconds:.0f} s"}
        return self._kept


class Connection:
    """A TCP connection of the attacker's own kernel."""

    def __init__(self, address: str, port: int = 80, seconds: float = 4, source: str = ""):
        """Connects. A link-local address is the first card's."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        if source:
            self._socket.bind((source, 0))
        scope = (0, socket.if_nametoindex("eth0")) if address.startswith("fe80") else ()
        try:
            self._socket.connect((address, port, *scope))
        except OSError:
            self._socket.close()
            raise

    def send(self, data: bytes) -> None:
        """Sends all of it."""
        self._socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        """The status and body of the next answer; status 0 where the connection ends or nothing comes."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                if not (part := self._socket.recv(1 << 16)):
                    return 0, data
                data += part
            head, _, body = data.partition(b"\r\n\r\n")
            lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            while len(body) < int(lengths[0] if lengths else 0):
                if not (part := self._socket.recv(1 << 16)):
                    break
                body += part
        except OSError:
            return 0, data
        return int(head.split()[1]), body

    def ask(self, path: str = "/latest/user-data", method: str = "GET", fields: str = "") -> tuple[int, bytes]:
        """Asks, and gives status and body; status 0 where the connection has ended."""
        try:
            self.send(f"{method} {path} HTTP/1.1\r\nHost: 169.254.169.254\r\n{fields}\r\n".encode())
        except OSError:
            return 0, b""
        return self.answer()

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    @property
    def socket(self) -> socket.socket:
        """The socket itself."""
        return self._socket


def ask(address: str, path: str = "/latest/user-data", *, port: int = 80, seconds: float = 4, fields: str = "",
        method: str = "GET") -> tuple[int, bytes]:
    """Asks once, by a connection of its own."""
    try:
        connection = Connection(address, port, seconds)
    except OSError as error:
        return 0, str(error).encode()
    try:
        return connection.ask(path, method, "Connection: close\r\n" + fields)
    finally:
        connection.close()


@contextlib.contextmanager
def every(seconds: float) -> Iterator[Callable[[], bool]]:
    """Gives a question that says yes once in so many seconds."""
    last = [0.0]

    def is_due() -> bool:
        now = time.monotonic()
        if now - last[0] < seconds:
            return False
        last[0] = now
        return True

    yield is_due
