"""What the number of domains costs: to start, in memory, and for each that changes."""

import contextlib
import glob
import itertools
import os
import statistics
import time

import hypervisor
import instructions
import lab
import servers
import trusted

# Through how many libvirtds the most domains are read: one lists 16,384.
HOSTS = 8
# How often a domain is changed for one figure.
CHANGES = 200
# How many changes are waited for, one after the other.
WAITED_FOR = 30
# Between two changes that are not, in seconds: so that none is read together with the next.
PAUSE = 0.01
# How libdispatch names the threads of queues that block, and a thread that one of these has begun.
LIBVIRTS = "-qos.overcommit"
# Until memory counts as that of a server at rest, in seconds.
SETTLING = 5


@contextlib.contextmanager
def many(place, domains):
    """So many domains, shared out among several libvirtds."""
    with contextlib.ExitStack() as stack:
        each = -(-domains // HOSTS)
        yield [
            stack.enter_context(hypervisor.Libvirtd(f"{place}/several", min(each, domains - first), first))
            for first in range(0, domains, each)]


def measure(options, fleets, place, tell):
    """By number of domains: milliseconds until the first answer and until everything is read, memory, and what changes cost."""
    os.makedirs(f"{place}/scale")
    result = {}
    for fleet in fleets:
        domains = sum(daemon.domains for daemon in fleet)
        result[domains] = _measure(options, fleet, f"{place}/scale/{domains}")
        tell(f"{domains:,} domains: {result[domains]}")
    return result


def _measure(options, fleet, place):
    os.makedirs(place)
    # One domain is not changed: the measured guest, unless there is no other.
    last = fleet[-1].numbers[-1]
    began = time.monotonic()
    with servers.VirtMetadata(
            "virt-metadata", 80, options.program, [daemon.uri for daemon in fleet], place, options.cores[0], bridge=lab.BRIDGE,
            more=trusted.options(place, {0, last})) as server:
        found = {"first": _until(server, lambda: trusted.ask(0) == hypervisor.instance_id(0), began)}
        found["complete"] = _until(server, server.is_complete, began)
        if trusted.ask(last) != hypervisor.instance_id(last):
            raise lab.Failure(f"the last of all domains is answered {trusted.ask(last)!r}")
        time.sleep(SETTLING)
        found["memory"] = server.memory()
        found |= _changes(server, fleet[-1], last)
        return found


def _until(server, condition, began):
    """Milliseconds from then until something is so."""
    while True:
        server.check()
        with contextlib.suppress(OSError):
            if condition():
                return 1000 * (time.monotonic() - began)
        if time.monotonic() - began > instructions.PATIENCE:
            raise lab.Failure(f"{server.name} has not read every domain within {instructions.PATIENCE} s")
        time.sleep(0.002)


def _changes(server, daemon, number):
    """What one domain's change costs the server, in microseconds of its processor time and less what it takes at rest for as long: all
    its threads together, and without those that libvirt runs in; and how long after libvirt has made the change the new answer
    is given, in milliseconds."""
    counter = itertools.count()

    def describe(identity):
        words = " ".join(hypervisor.operators(identity).split())
        return f'metadata guest-{number} {hypervisor.NAMESPACE} --live --key instance --set "{words}"'

    def change():
        daemon.do(describe(f"i-{next(counter):08d}"))

    def restart():
        daemon.do(f"destroy guest-{number}", daemon.creation(number))

    found = {"change": _cost(server, change), "restart": _cost(server, restart)}
    waits = []
    for _ in range(WAITED_FOR):
        wanted = f"i-{next(counter):08d}"
        daemon.do(describe(wanted))
        began = time.monotonic()
        waits.append(_until(server, lambda: trusted.ask(number) == wanted, began))
    return found | {"wait": statistics.median(waits)}


def _cost(server, change):
    change()
    time.sleep(1)
    began, before = time.monotonic(), _processor_time(server.pid)
    for _ in range(CHANGES):
        change()
        time.sleep(PAUSE)
    time.sleep(0.2)
    middle, between = time.monotonic(), _processor_time(server.pid)
    time.sleep(1)
    end, after = time.monotonic(), _processor_time(server.pid)

    def cost(which):
        at_rest = (after[which] - between[which]) / (end - middle)
        return (between[which] - before[which] - at_rest * (middle - began)) / CHANGES / 1000

    return {"all": cost("libvirt") + cost("own"), "own": cost("own")}


def _processor_time(pid):
    """Nanoseconds that the threads of a process have run: those that call libvirt or that it runs in, and the others.

    The former are libvirt's event loop and the queues on which its calls block, which alone are outside libdispatch's common pool.
    """
    total = {"libvirt": 0, "own": 0}
    for place in glob.glob(f"/proc/{pid}/task/*"):
        # A thread may end meanwhile; what it has run is not known any more.
        with contextlib.suppress(FileNotFoundError):
            with open(f"{place}/comm", encoding="ascii") as comm, open(f"{place}/schedstat", encoding="ascii") as time_run:
                whose = "libvirt" if comm.read().strip().endswith(LIBVIRTS) else "own"
                total[whose] += int(time_run.read().split()[0])
    return total
