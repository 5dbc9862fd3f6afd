"""The honest guests of a host, which ask without a pause while it is attacked."""

import json
import socket
import subprocess
from typing import Any

import space
from field import LOCAL, METADATA
from guest import Guest

# What a guest asks for, a second, by all its connections: a little less than it may (--requests-per-second).
RATE = 850
# How many seconds a client waits for a connection and its first answer, and for each further one.
PATIENCE = 5.0


class Victims:
    """A run of victims.c."""

    def __init__(self, program: str, place: str, guests: list[Guest], requests: int, seconds: float, *, families: tuple[int, ...] = (4, 6),
                 has_local: bool = False, rate: int = RATE, makes_again: bool = False,
                 patience: float = PATIENCE):
        """Starts them. `has_local`: the link-local address is one of those that they ask; `makes_again`: a request whose connection ends
        without an answer is made once more."""
        addresses = [(family, METADATA[family]) for family in families]
        if has_local and 6 in families:
            addresses.append((6, LOCAL))
        lines = []
        for one in guests:
            with space.inside(one.name):
                scope = socket.if_nametoindex("eth0")
            lines += [f"{one.name} {family} {address} {scope if address == LOCAL else 0} {rate / len(addresses)} {one.body}\n"
                      for family, address in addresses]
        with open(f"{place}/ways", "w", encoding="ascii") as file:
            file.writelines(lines)
        self._process = subprocess.Popen(
            [program, f"{place}/ways", str(requests), str(seconds), str(patience),
             *(["again"] if makes_again else [])], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def is_running(self) -> bool:
        """Whether they still ask."""
        return self._process.poll() is None

    def end(self) -> None:
        """Lets them ask no more; what is under way ends by itself."""
        self._process.terminate()

    def found(self, seconds: float) -> dict[str, Any]:
        """Waits for their end, and gives what they have counted."""
        try:
            text, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.wait()
            raise space.Failure("the victims did not end") from error
        if self._process.returncode != 0:
            raise space.Failure(f"the victims ended with status {self._process.returncode}")
        return json.loads(text)
