"""Rounds of load: wrk in the guest, on a core of its own, one server after the other and round after round."""

import dataclasses
import json
import os
import statistics
import subprocess

import lab
import servers

KEEP_ALIVE = "keep-alive"
CLOSING = "a connection per request"
MODES = (KEEP_ALIVE, CLOSING)


@dataclasses.dataclass
class Sample:
    """One server in one mode in one round: requests per second, latencies in microseconds, and what went wrong."""

    rate: float
    p50: int
    p99: int
    errors: dict
    # What the server ran for each request, in microseconds of its processor.
    cost: float = 0


@dataclasses.dataclass
class Series:
    """The samples of one server in one mode, round by round, and its memory in KiB after the last."""

    name: str
    samples: list
    memory: dict = dataclasses.field(default_factory=dict)

    def median(self, key):
        return statistics.median(getattr(sample, key) for sample in self.samples)

    @property
    def rates(self):
        return [sample.rate for sample in self.samples]

    @property
    def costs(self):
        return [sample.cost for sample in self.samples]

    def faults(self):
        """Each round that is void, in words."""
        return [
            f"{self.name}, round {number}: " + (", ".join(f"{count} {kind}" for kind, count in bad.items()) or "no request")
            for number, sample in enumerate(self.samples, 1)
            if (bad := {kind: count for kind, count in sample.errors.items() if count}) or sample.rate == 0
        ]


def shoot(server, mode, seconds, connections, core):
    """One run of wrk."""
    url = server.url
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk.lua")
    command = [
        "ip", "netns", "exec", server.guest, "taskset", "--cpu-list", str(core),
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", "--script", script,
        *(("--header", "Connection: close") if mode == CLOSING else ()),
        *(option for field in server.fields for option in ("--header", field)), url, server.method,
    ]
    try:
        before = server.processor_time()
        output = lab.call(*command, timeout=seconds + 30)
        ran = server.processor_time() - before
    except subprocess.TimeoutExpired as error:
        raise lab.Failure(f"wrk did not end: {url}") from error
    found = json.loads(output.strip().splitlines()[-1])
    return Sample(found["requests"] / found["seconds"], found["p50"], found["p99"], found["errors"], ran / max(1, found["requests"]) * 1e6)


def rounds(contestants, options, tell, modes=MODES):
    """Every server in every mode in every round, the first of a round being another each time; by mode and server."""
    result = {mode: [Series(server.name, []) for server in contestants] for mode in modes}
    for mode in modes:
        for server in contestants:
            shoot(server, mode, 1, options.connections, options.cores[1])
    for number in range(options.rounds):
        for mode in modes:
            for step in range(len(contestants)):
                index = (number + step) % len(contestants)
                server = contestants[index]
                server.check()
                sample = shoot(server, mode, options.seconds, options.connections, options.cores[1])
                result[mode][index].samples.append(sample)
                result[mode][index].memory = server.memory()
                tell(f"round {number + 1} of {options.rounds}, {mode}, {server.name}: {sample.rate:,.0f} requests/s, {sample.cost:.1f} µs each")
    for server in contestants:
        servers.read(server.port, guest=server.guest)
    return result
