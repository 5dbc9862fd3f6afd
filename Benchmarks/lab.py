"""Where the measurement happens: a host and a guest, each a network namespace, and the programs that run in them.

The process itself stands in the host's namespaces, which `run` made for it; they end with it, and all that it started.
"""

import contextlib
import ctypes
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

METADATA_ADDRESS = "169.254.169.254"
GUEST_MAC = "52:54:00:be:0c:01"
BRIDGE = "br0"
TAP = "tap0"
GUEST = "guest"
# Another host, and its guest, with the same bridge and addresses: what is done to the first one's network is not felt there.
OTHER_HOST = "other-host"
OTHER_GUEST = "other-guest"
# A host that is its own guest, over loopback.
LOOPBACK = "loopback"

# No single command of the set-up takes longer than this, in seconds.
PATIENCE = 60
CLONE_NEWNET = 0x40000000


class Failure(Exception):
    """Something that must work does not; the text is for the person who runs the benchmark."""


def call(*command, timeout=PATIENCE, stdin=""):
    """Runs a command to its end and gives its standard output."""
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if result.returncode != 0:
        raise Failure(f"{' '.join(command)}: status {result.returncode}: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def wait_until(condition, what, seconds=PATIENCE):
    """Waits until a condition gives something true, and gives that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise Failure(f"{what}: not within {seconds} s")


@contextlib.contextmanager
def directory():
    """A directory for everything that is written, in memory, and gone with the namespaces."""
    path = tempfile.mkdtemp(prefix="virt-metadata-bench-")
    try:
        call("mount", "-t", "tmpfs", "-o", "mode=755", "none", path)
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
        shutil.rmtree(path, ignore_errors=True)


def build_network():
    """Two hosts, each with a guest: the one that this process stands in, and another."""
    if os.getpid() != 1:
        raise Failure("this is started by Benchmarks/run, in namespaces of its own")
    os.makedirs("/run/netns", exist_ok=True)
    call("mount", "-t", "tmpfs", "none", "/run/netns")
    call("ip", "netns", "add", OTHER_HOST)
    _build_host((), GUEST)
    _build_host(("-n", OTHER_HOST), OTHER_GUEST)
    filter_bridged(False)
    call("ip", "netns", "add", LOOPBACK)
    call("ip", "-n", LOOPBACK, "-batch", "-", stdin=f"link set lo up\naddress add {METADATA_ADDRESS}/32 dev lo")
    with guest(LOOPBACK), open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as ports:
        ports.write("1024 65535")


def filter_bridged(on):
    """Whether frames between guests pass the rules for packets too, on both hosts: so it is where br_netfilter is loaded, as container engines do.
    A host without that module has no such setting."""
    for host in (contextlib.nullcontext(), guest(OTHER_HOST)):
        with host:
            for path in glob.glob("/proc/sys/net/bridge/bridge-nf-call-*tables"):
                with open(path, "w", encoding="ascii") as setting:
                    setting.write("1" if on else "0")


def _build_host(host, name):
    """A bridge with the metadata address in a host, and a guest behind a veth, as libvirt would have it."""
    for line in f"""
        link set lo up
        link add {BRIDGE} type bridge
        address add {METADATA_ADDRESS}/32 dev {BRIDGE}
        address add 192.0.2.1/24 dev {BRIDGE}
        address add 198.18.255.1/16 dev {BRIDGE}
        link set {BRIDGE} up
    """.strip().splitlines():
        call("ip", *host, *line.split())
    plug(host, name, TAP, GUEST_MAC, "192.0.2.10/24")
    # With a connection per request, a port comes round again sooner the fewer there are.
    with guest(name), open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as ports:
        ports.write("1024 65535")


def plug(host, name, tap, mac, address):
    """A guest of its own namespace, plugged into a host's bridge."""
    call("ip", "netns", "add", name)
    call("ip", *host, "link", "add", tap, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", name)
    call("ip", *host, "link", "set", tap, "master", BRIDGE, "up")
    commands = ["link set lo up", f"address add {address} dev eth0", "link set eth0 up", f"route add {METADATA_ADDRESS}/32 dev eth0"]
    call("ip", "-n", name, "-batch", "-", stdin="\n".join(commands))


@contextlib.contextmanager
def on_core(core):
    """Whatever this thread does meanwhile, and starts, stays on one core, except for what is sent to another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def guest(name=GUEST):
    """While this lasts, sockets that this thread makes are the guest's."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as host, open(f"/run/netns/{name}", "rb") as inside:
        if libc.setns(inside.fileno(), CLONE_NEWNET) != 0:
            raise Failure(f"setns: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.setns(host.fileno(), CLONE_NEWNET)


class Program:
    """A program that runs until it is told to stop; its output goes into a file."""

    def __init__(self, name, command, log, environment=None):
        self.name = name
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=os.environ | (environment or {}))

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        """What it has written so far."""
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()

    def check(self):
        """Fails if it has ended."""
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.process.returncode}: {self.output()[-2000:].strip()}")

    def memory(self, pid=None):
        """VmRSS and RssAnon of it, or of another process, in KiB."""
        with open(f"/proc/{pid or self.pid}/status", encoding="ascii", errors="replace") as status:
            fields = dict(line.split(":", 1) for line in status)
        return {key: int(fields[key].split()[0]) for key in ("VmRSS", "RssAnon")}

    def processor_time(self):
        """The seconds that it and its children have run, in user mode and in the kernel."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
            pids = [self.pid, *children.read().split()]
        ticks = 0
        for pid in pids:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                ticks += sum(int(field) for field in stat.read().rpartition(")")[2].split()[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """Ends it; by force after ten seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
