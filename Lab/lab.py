#!/usr/bin/env python3
"""Starts stock Debian guests on networks of several kinds, and looks from inside whether they get their own metadata."""

import argparse
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import image
import scenarios
from guests import Failure, Guest
from host import CommandError, Host, Namespace, end_with_signals

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".lab"
RUN = CACHE / "run"
# How many lines of a failure are printed again at the end.
REPEATED = 8
Kept = TypeVar("Kept", bound=Namespace)


class Lab:
    """What the scenarios share: the server's binary, the image, the clock and the processors."""

    def __init__(self, server: Path, booting: int):
        """Knows the server's binary and how many guests may boot at a time."""
        self.server = server
        self.slots = threading.BoundedSemaphore(booting)
        self._systems: dict[int, image.Image] = {}
        self._roots: dict[int, Path] = {}
        self._preparing = threading.Lock()
        self._begin = time.monotonic()
        self._printing = threading.Lock()

    def say(self, who: str, what: str) -> None:
        """Prints a line with the seconds since the beginning."""
        with self._printing:
            print(f"lab {time.monotonic() - self._begin:6.1f} s  {who:<12} {what}", flush=True)

    def system(self, debian: int) -> image.Image:
        """A guest's disk with this release of Debian, which is made when it is first wanted."""
        with self._preparing:
            if debian not in self._systems:
                self._systems[debian] = image.prepare(CACHE, debian)
                self.say("image", os.path.relpath(self._systems[debian].disk.parent, ROOT))
            return self._systems[debian]

    def root(self, debian: int) -> Path:
        """A host's files with this release of Debian."""
        with self._preparing:
            if debian not in self._roots:
                self._roots[debian] = image.prepare_root(CACHE, debian)
                self.say("image", os.path.relpath(self._roots[debian].parent, ROOT))
            return self._roots[debian]


class Stage:
    """Where one scenario plays: its namespaces, and the guests in them."""

    def __init__(self, lab: Lab):
        """Has nothing yet."""
        self.packages = ROOT / ".build/deb"
        self._lab = lab
        self._lock = threading.Lock()
        self._namespaces: list[Namespace] = []
        self._is_over = False

    def say(self, who: str, what: str) -> None:
        """Prints a line with the seconds since the beginning."""
        self._lab.say(who, what)

    def namespace(self, name: str) -> Namespace:
        """Makes a network of its own."""
        return self._keep(Namespace(name, RUN / name))

    def host(self, name: str, debian: int | None = None) -> Host:
        """Makes a host with a libvirtd: this machine's own, or that of a release of Debian."""
        root = self._lab.root(debian) if debian else None
        begin = time.monotonic()
        host = self._keep(Host(name, RUN / name, self._lab.server, root, CACHE))
        self.say(name, f"the host's libvirtd answers ({time.monotonic() - begin:.0f} s)")
        return host

    def _keep(self, namespace: Kept) -> Kept:
        """Remembers a namespace for the end, or ends it at once where the end has come."""
        with self._lock:
            self._namespaces.append(namespace)
            is_over = self._is_over
        if is_over:
            self.end()
            raise CommandError("the lab has ended")
        return namespace

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Waits for a share of the processors."""
        with self._lab.slots:
            yield

    def boot(self, guest: Guest) -> None:
        """Starts a guest and compares what cloud-init makes of it with its domain."""
        system = self._lab.system(guest.debian)
        with self.slot():
            begin = time.monotonic()

            def reached(what: str) -> None:
                self.say(guest.name, f"{what} ({time.monotonic() - begin:.0f} s)")

            guest.start(system)
            reached("started")
            try:
                guest.wait_for_agent()
                reached("the agent answers")
                guest.wait_for_cloud_init()
                reached("cloud-init has a result")
                scenarios.check(guest, guest.probe("facts"))
                reached("is as its domain says")
                scenarios.own_metadata(guest)
                reached("reads its own metadata, and only that")
            except Exception:
                logs = [guest.console, *guest.save_logs(), guest.host.directory / "server.log"]
                self.say(guest.name, "is not as expected; see " + ", ".join(os.path.relpath(path, ROOT) for path in logs))
                raise

    def end(self) -> None:
        """Ends every namespace, and makes sure that nothing of them is left."""
        with self._lock:
            self._is_over = True
            namespaces, self._namespaces = self._namespaces, []
        for namespace in namespaces:
            namespace.stop()
            for disk in namespace.directory.glob("*.qcow2"):
                disk.unlink()
        left = _left({namespace.identity for namespace in namespaces})
        if left:
            raise RuntimeError("these are left: " + ", ".join(left))


def _left(identities: set[str], seconds: float = 10) -> list[str]:
    """Finds processes of these namespaces that do not end, and mounts below the lab's directory."""
    deadline = time.monotonic() + seconds
    while (left := _processes(identities)) and time.monotonic() < deadline:
        time.sleep(0.2)
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return left + [f"mount {line.split()[1]}" for line in mounts if str(CACHE) in line]


def _processes(identities: set[str]) -> list[str]:
    """Finds the processes of some namespaces."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") in identities:
                found.append(f"process {process.name} ({(process / 'comm').read_text().strip()})")
        except OSError:
            continue  # it has ended
    return found


def _play(name: str, stage: Stage) -> None:
    """Plays a scenario and clears its stage."""
    try:
        scenarios.ALL[name](stage)
    finally:
        stage.end()


def _run(lab: Lab, names: list[str]) -> dict[str, BaseException]:
    """Plays the scenarios side by side, and gives what failed and why."""
    failed: dict[str, BaseException] = {}
    stages = {name: Stage(lab) for name in names}
    with ThreadPoolExecutor(len(names)) as pool:
        results = {pool.submit(_play, name, stage): name for name, stage in stages.items()}
        try:
            for result in as_completed(results):
                error = result.exception()
                if error is None:
                    lab.say(results[result], "passed")
                    continue
                failed[results[result]] = error
                lab.say(results[result], f"FAILED: {error}")
                if not isinstance(error, (Failure, CommandError, image.ImageError)):
                    traceback.print_exception(error)
        except BaseException:
            # The scenarios fail soon without their hosts, and the pool waits for them.
            for stage in stages.values():
                stage.end()
            raise
    return failed


def main() -> int:
    """Reads the command line and runs the lab."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"only these of {', '.join(scenarios.ALL)}")
    parser.add_argument(
        "--server", type=Path, default=os.environ.get("LAB_SERVER", ROOT / ".build/debug/virt-metadata"),
        help="the binary to test; default: $LAB_SERVER, or .build/debug/virt-metadata")
    parser.add_argument("--booting", type=int, default=2, help="how many guests boot at a time (default: %(default)s)")
    options = parser.parse_args()
    unknown = [name for name in options.scenario if name not in scenarios.ALL]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}")
    if os.geteuid() != 0:
        parser.error("the lab needs root, for namespaces")
    server = options.server.resolve()
    if not os.access(server, os.X_OK):
        parser.error(f"{server} is not there; make build")
    end_with_signals()
    names = [name for name in scenarios.ALL if name in (options.scenario or scenarios.ALL)]

    lab = Lab(server, max(1, options.booting))
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    # Nearly every scenario needs it, and without it none has to begin.
    lab.system(12)
    failed = _run(lab, names)
    lab.say("lab", f"{len(names) - len(failed)} passed, {len(failed)} failed; logs are in {RUN.relative_to(ROOT)}")
    # Again, for whoever is shown the last lines only.
    for name, error in failed.items():
        lab.say(name, "FAILED: " + "\n".join(str(error).splitlines()[:REPEATED]))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("lab: interrupted; all that it started has ended")
    except image.ImageError as error:
        sys.exit(f"lab: there is no image: {error}")
