"""What our rules cost frames that have nothing to do with metadata: from guest to guest, beside a host that has no such rules."""

import contextlib
import json
import os
import subprocess

import hypervisor
import lab
import load
import servers

TAPS = (2, 100, 500)
# As guests with virtio cards send, in segments of up to 64 KiB; and in frames of 1,500 bytes, each of which pays for itself.
LONG, SINGLE = "long segments", "single frames"
# The same where br_netfilter is loaded, as container engines do: then frames between guests pass the host's rules for packets too.
FILTERED = "single frames, br_netfilter"
SENDER, RECEIVER = 1, 2
PORT = "5201"


def other(number):
    """The same guest on the host without rules."""
    return f"other-{hypervisor.namespace(number)}"


def _plug(count):
    """Guests 1 to `count` on both hosts."""
    hypervisor.plug(count)
    for number in range(1, count + 1):
        if not os.path.exists(f"/run/netns/{other(number)}"):
            lab.plug(
                ("-n", lab.OTHER_HOST), other(number), f"tap{number}", hypervisor.mac(number),
                f"198.18.{number >> 8}.{number & 0xFF}/16")


def _offload(guest, on):
    """Whether a guest's card, and its cable, take and give segments instead of frames."""
    state = "on" if on else "off"
    lab.call("ip", "netns", "exec", guest, "ethtool", "-K", "eth0", "tso", state, "gso", state, "gro", state)


class Traffic(lab.Program):
    """One stream from one guest to another of one host, as long as its receiver runs."""

    def __init__(self, name, named, place):
        self.sender, self.receiver = named(SENDER), named(RECEIVER)
        command = ["ip", "netns", "exec", self.receiver, "iperf3", "--server", "--port", PORT]
        super().__init__(name, command, f"{place}/iperf-{self.receiver}.log")
        lab.wait_until(
            lambda: lab.call("ip", "netns", "exec", self.receiver, "ss", "-Hltn", "sport", "=", f":{PORT}"), "iperf3 listens")

    def offload(self, on):
        for guest in (self.sender, self.receiver):
            _offload(guest, on)

    def run(self, seconds):
        """Bits per second that arrived."""
        command = [
            "ip", "netns", "exec", self.sender, "iperf3", "--client", f"198.18.0.{RECEIVER}", "--port", PORT, "--time", str(seconds), "--json"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + lab.PATIENCE, check=False)
        found = json.loads(result.stdout or "{}")
        if "end" not in found or "sum_received" not in found["end"]:
            raise lab.Failure(f"iperf3 on {self.name}: {found.get('error') or result.stderr.strip() or 'no result'}")
        return found["end"]["sum_received"]["bits_per_second"]


def measure(options, place, tell):
    """By number of taps and kind of traffic: the rates with our rules, and twice without, round by round."""
    found = {}
    path = f"{place}/traffic"
    os.makedirs(path)
    for taps in TAPS[:1] if options.quick else TAPS:
        tell(f"traffic beside {taps} taps")
        _plug(taps)
        with contextlib.ExitStack() as stack:
            directory = f"{path}/{taps}"
            os.makedirs(directory)
            server = stack.enter_context(servers.VirtMetadata(
                "virt-metadata", 80, options.program, hypervisor.node_file(directory, taps + 1), directory, bridge=lab.BRIDGE))
            server.wait()
            lab.wait_until(
                lambda: lab.call("nft", "list", "table", "netdev", "virt_metadata").count("hook ingress") > taps, "each tap has its rules")
            ours = stack.enter_context(Traffic("with our rules", hypervisor.namespace, directory))
            bare = stack.enter_context(Traffic("without", other, directory))
            for kind in (LONG, SINGLE, FILTERED):
                lab.filter_bridged(kind == FILTERED)
                for one in (ours, bare):
                    one.offload(kind == LONG)
                    one.run(1)
                rates = {"ours": [], "A": [], "B": []}
                for _ in range(options.rounds):
                    for key, one in (("A", bare), ("ours", ours), ("B", bare)):
                        rates[key].append(one.run(min(options.seconds, 2)))
                found[(taps, kind)] = [
                    load.Series(name, [load.Sample(rate, 0, 0, {}) for rate in rates[key]])
                    for name, key in (("with our rules", "ours"), ("without, A", "A"), ("without, B", "B"))]
    return found

