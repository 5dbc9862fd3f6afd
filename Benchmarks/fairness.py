"""Fairness: what quiet guests feel of one that does to the server what it can, under the limits that stand by default."""

import os
import statistics
import time

import guests
import hypervisor
import lab
import servers

# How many are quiet, and how often each of them asks in a second.
QUIET = 64
RATE = 10
FLOODER = QUIET + 1
# What the flooder's user data weigh, in bytes.
LARGE = 1 << 20
# What it does, in words, how the client calls that, and how many connections it would have at a time.
FLOODS = {
    "as many connections as it can": ("connect", 256), "5,000 idle connections": ("idle", 5000),
    "slow readers": ("slow", 128), "half requests": ("half", 5000), "HEAD of JSON": ("json", 128),
    "a 16 KiB Accept": ("accept", 128), "16 KiB of escapes": ("escapes", 128), "pipelines that do not read": ("pipeline", 128),
}
# What it asks for.
USER_DATA = "/latest/user-data"
# How long a flood lasts before anything is measured, in seconds.
LEAD = 1


def measure(options, place, tell):
    """By flood, and under None without one: what the quiet guests found in each round, and what the flooder did."""
    path = f"{place}/fairness"
    os.makedirs(path)
    hypervisor.plug(FLOODER)
    with lab.guest(hypervisor.namespace(FLOODER)), open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as ports:
        ports.write("1024 65535")
    large = hypervisor.domain(FLOODER).replace("#cloud-config", "#cloud-config\n" + "#" * LARGE)
    domains = [hypervisor.domain(number) for number in range(FLOODER)] + [large]
    uri = "test://" + hypervisor.write(f"{path}/node.xml", f"<node>{''.join(domains)}</node>\n")
    result = {flood: [] for flood in (None, *FLOODS)}
    with servers.VirtMetadata(
            "virt-metadata", 80, options.program, uri, path, options.cores[0], bridge=lab.BRIDGE, limited=True) as server:
        server.wait()
        guests.steady(range(1, FLOODER), RATE, 1, options.cores[1], path)
        for number in range(options.rounds):
            for flood in result:
                server.check()
                found = _round(options, flood, path)
                result[flood].append(found)
                tell(f"round {number + 1} of {options.rounds}, {flood or 'no flood'}: {found}")
    return result


def _round(options, flood, place):
    quiet = (range(1, FLOODER), RATE, options.seconds, options.cores[1], place)
    if flood is None:
        return guests.steady(*quiet)
    kind, amount = FLOODS[flood]
    seconds = options.seconds + 2 * LEAD
    with guests.Client(
            kind, [guests.at_home(FLOODER)], [USER_DATA if kind == "slow" else servers.PATH], amount, seconds, options.cores[1],
            place) as client:
        time.sleep(LEAD)
        found = guests.steady(*quiet)
        flooded = client.found()
    # Time-outs of a flood do not reach into the next.
    time.sleep(LEAD)
    return found | {"flood": flooded["connections"] / flooded["seconds"], "open": flooded["open"]}


def typical(rounds, key):
    """The median over the rounds."""
    return statistics.median(one[key] for one in rounds)
