"""Commands, waiting, and network namespaces, for a process that stands in namespaces of its own."""

import contextlib
import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Found = TypeVar("Found")
CLONE_NEWNET = 0x40000000
# No command of the set-up takes longer than this, in seconds.
PATIENCE = 30


class Failure(Exception):
    """Something that has to work does not; the text is for the person who runs the siege."""


def call(*command: str, stdin: str = "", seconds: float = PATIENCE) -> str:
    """Runs a command to its end, and gives what it prints."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"not within {seconds:.0f} s: {' '.join(command)[:300]}") from error
    if done.returncode != 0:
        raise Failure(f"status {done.returncode}: {' '.join(command)[:200]} {stdin[:300]}: {(done.stderr + done.stdout).strip()[:500]}")
    return done.stdout


def ip(lines: str, namespace: str = "") -> None:
    """Runs lines of ip(8), in a named namespace where one is named."""
    inside = ("-n", namespace) if namespace else ()
    call("ip", *inside, "-batch", "-", stdin="\n".join(line.strip() for line in lines.strip().splitlines()) + "\n")


def wait_until(condition: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """Waits until a condition gives something true, and gives that."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() >= deadline:
            raise Failure(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.01)


def enter(namespace: str) -> None:
    """Moves this thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise Failure(f"setns {namespace}: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """While this lasts, sockets that this thread makes are the namespace's; an empty name is the host's own."""
    if not namespace:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home:
        enter(namespace)
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def setting(name: str, value: object, namespace: str = "") -> None:
    """Writes one of the kernel's settings (sysctl)."""
    with inside(namespace), open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
        file.write(str(value))


class Program:
    """A program that runs until it is ended; its output goes into a file."""

    def __init__(self, name: str, log: str, *command: str, namespace: str = ""):
        """Starts it, and appends its output to the log."""
        self.name, self.log = name, log
        inside_of = ("ip", "netns", "exec", namespace) if namespace else ()
        self.began_at = os.path.getsize(log) if os.path.exists(log) else 0
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [*inside_of, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def output(self) -> str:
        """What it has written since it began."""
        with open(self.log, "rb") as file:
            file.seek(self.began_at)
            return file.read().decode(errors="replace")

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def end(self, signal: int = 15, seconds: float = 10) -> int:
        """Ends it, by force when its time is up, and gives its status."""
        if self.is_running():
            self.process.send_signal(signal)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(seconds)
