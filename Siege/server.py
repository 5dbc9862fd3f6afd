"""The server, as an operator of the host starts it."""

import json
import re
import signal

import space

SERVES = "guests of a bridge are served"


class Server:
    """The program under siege."""

    def __init__(self, program: str, place: str, bridges: tuple[str, ...], uri: str, log: str):
        """Knows how to start it; `start` does."""
        self._program, self._place, self.bridges, self._uri, self._log = program, place, bridges, uri, log
        self._running: space.Program | None = None
        self.intercept = "auto"
        self.options: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running.process.pid

    @property
    def output(self) -> str:
        """What it has said since it was started last."""
        return self._running.output()

    def is_running(self) -> bool:
        """Whether it runs."""
        return self._running is not None and self._running.is_running()

    def spawn(self, *options: str, uri: str = "") -> None:
        """Starts it, without waiting until it serves."""
        bridges = [word for bridge in self.bridges for word in ("--bridge", bridge)]
        self._running = space.Program(
            "virt-metadata", self._log, self._program, "serve", "--user", "root", "--connect", uri or self._uri, *bridges,
            "--intercept", self.intercept, "--run-directory", f"{self._place}/run", "--state-directory", f"{self._place}/state",
            "--admin-socket", "none", *options)

    def start(self, *options: str) -> None:
        """Starts it, and waits until it says that each bridge is served."""
        self.options = options
        self.spawn(*options)
        self.wait()

    def wait(self) -> None:
        """Waits until it says that each bridge is served."""
        def serves() -> bool:
            if not self.is_running():
                raise space.Failure(f"the server ended with status {self._running.process.returncode}: {self.output[-1500:]}")
            said = [line for line in self.output.splitlines() if SERVES in line]
            return all(any(re.search(rf"\bbridge={bridge}\b", line) for line in said) for bridge in self.bridges)

        space.wait_until(serves, "the server serves all bridges")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ends it, and gives its status."""
        return self._running.end(number) if self._running else 0

    def send(self, number: int) -> None:
        """Sends it a signal that does not end it."""
        self._running.process.send_signal(number)

    def release(self) -> None:
        """Lets the ended server's rules and addresses be removed."""
        space.call(self._program, "release", "--run-directory", f"{self._place}/run")

    def memory(self) -> int:
        """RssAnon, in KiB; 0 while it does not run."""
        return self._status("RssAnon")

    def _status(self, field: str) -> int:
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
                return next((int(line.split()[1]) for line in file if line.startswith(field + ":")), 0)
        except FileNotFoundError:
            return 0

    def processor_seconds(self) -> float:
        """The processor time that it has had."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
            words = file.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / 100


def counters() -> dict[str, int]:
    """The packets that each named counter of the server's tables has seen."""
    found: dict[str, int] = {}
    for entry in json.loads(space.call("nft", "--json", "list", "counters"))["nftables"]:
        if "counter" in entry and entry["counter"]["table"].startswith("virt_metadata"):
            name = entry["counter"]["name"]
            found[name] = found.get(name, 0) + entry["counter"]["packets"]
    return found
