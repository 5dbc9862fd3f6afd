"""Instructions of the server per request, counted by callgrind: the same on a busy machine as on an idle one.

The thread that keeps the connections to libvirt is left out: each of them is checked every few seconds, however many requests there are, and under
valgrind a request takes long enough for that to be a few percent with eight of them.
"""

import glob
import os
import shutil
import statistics
import time

import lab
import load
import servers

# Starting under valgrind, and reading a hundred thousand domains there, takes its time; in seconds.
PATIENCE = 1500
# A function that only the thread of libvirt's events calls.
LIBVIRT_EVENTS = "virEventRunDefaultImpl"
# Between two things that the guest does, in seconds: longer than the server needs for a step under callgrind.
PAUSE = 0.002


class Counter:
    """Our server under callgrind, which counts only while it is told to."""

    def __init__(self, program, uris, place, port, profiles=None):
        self.place = f"{place}/callgrind-{port}"
        self.profiles = profiles
        # The files of the last dump.
        self.last = set()
        os.makedirs(self.place)
        # Debian's valgrind cannot read the debugging information of newer compilers; names of functions stay.
        stripped = f"{self.place}/virt-metadata"
        lab.call("strip", "--strip-debug", "-o", stripped, program)
        wrapper = (
            "valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes", f"--callgrind-out-file={self.place}/out",
            f"--vgdb-prefix={self.place}/vgdb", "--quiet",
        )
        # Where each value of a hash table lies is drawn anew in each process, unless it is told not to.
        self.server = servers.VirtMetadata(
            "virt-metadata under callgrind", port, stripped, uris, self.place, wrapper=wrapper,
            environment={"SWIFT_DETERMINISTIC_HASHING": "1", "LD_PRELOAD": os.path.abspath(".build/sigsuspend.so")})

    def __enter__(self):
        self.server.wait(PATIENCE)
        self._control("--instr=on")
        return self

    def __exit__(self, *_):
        self.server.stop()

    def per_request(self, mode, requests, batches):
        """Instructions per request: the median over batches of what K further requests cost a run of K requests."""
        self._count(mode, requests)
        found = [(self._count(mode, 2 * requests) - self._count(mode, requests)) / requests for _ in range(batches)]
        if self.profiles:
            os.makedirs(self.profiles, exist_ok=True)
            for number, dump in enumerate(self.last):
                name = f"callgrind.{mode.replace(' ', '-')}.{self.server.port}.{number}"
                shutil.copyfile(dump, os.path.join(self.profiles, name))
        return statistics.median(found)

    def _count(self, mode, requests):
        self._control("--zero")
        servers.read(self.server.port, requests, closing=mode == load.CLOSING, pause=PAUSE)
        # What the server does after the guest has seen the end of the last connection belongs to that request.
        time.sleep(0.2)
        before = self._dumps()
        self._control("--dump")
        self.last = self._dumps() - before
        return sum(self._of_requests(dump) for dump in self.last)

    @staticmethod
    def _of_requests(dump):
        """What a thread has executed for requests, by its dump."""
        with open(dump, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if LIBVIRT_EVENTS in text:
            return 0
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("totals:"))

    def _dumps(self):
        """The files that callgrind has written, one for each thread and dump."""
        return set(glob.glob(f"{self.place}/out.*-*"))

    def _control(self, option):
        self.server.check()
        before = self._dumps()
        lab.call("callgrind_control", f"--vgdb-prefix={self.place}/vgdb", option, str(self.server.pid))
        if option == "--dump":
            lab.wait_until(lambda: self._dumps() > before, "callgrind writes what it counted")


def count(program, fleets, place, options, tell):
    """Instructions per request by mode and number of domains; a fleet is the libvirtds that have them."""
    result = {mode: {} for mode in load.MODES}
    for number, fleet in enumerate(fleets):
        domains = sum(daemon.domains for daemon in fleet)
        with Counter(program, [daemon.uri for daemon in fleet], place, 9000 + number, options.profiles) as counter:
            for mode in load.MODES:
                result[mode][domains] = counter.per_request(mode, options.requests, options.batches)
                tell(f"{mode}, domains {domains:,}: {result[mode][domains]:,.0f} instructions per request")
    return result
