"""Namespaces with a life of their own: a plain one, and a host with libvirtd and the server."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

# The first process of a namespace. It must be one that reaps orphans while it waits, as bash does: libvirtd would wait for
# a QEMU that has ended already. It ends with its standard input, and the kernel ends all others with it.
_FIRST = """
set -e
if [ -n "$2" ]; then
    # The files of another system. What is written to them is kept in memory, and the lab's own directory is where it is outside.
    mount -t tmpfs none /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    mount -t overlay -o "lowerdir=$2,upperdir=/mnt/upper,workdir=/mnt/work" none /mnt/root
    mkdir -p "/mnt/root$3" /mnt/root/outside
    mount --rbind "$3" "/mnt/root$3"
    mount --rbind /dev /mnt/root/dev
    mount -t proc none /mnt/root/proc
    cd /mnt/root
    pivot_root . outside
    umount -l outside
fi
mount -t sysfs none /sys
for place in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /var/lib/virt-metadata; do
    mkdir -p $place
    mount -t tmpfs -o mode=755 none $place
done
mkdir /run/libvirt
ip link set lo up
if [ -d "$1/etc" ]; then
    mount --bind "$1/etc" /etc/libvirt
    for name in passwd group; do
        [ ! -f "$1/$name" ] || mount --bind "$1/$name" /etc/$name
    done
fi
echo ready
read -r end || exit 0
"""

_QEMU_CONF = """security_driver = "none"
namespaces = []
cgroup_controllers = []
remember_owner = 0
stdio_handler = "file"
user = "root"
group = "root"
"""


class CommandError(Exception):
    """A command that failed, with what it printed."""


class Namespace:
    """A network of its own, with mounts and processes of its own that end with it."""

    # The files of another system that it has, and a directory of this one that it has as well.
    root: Path | None = None
    shared: Path | None = None

    def __init__(self, name: str, directory: Path):
        """Starts it; `directory` holds its logs."""
        self.name = name
        self.directory = directory
        directory.mkdir(parents=True)
        self._prepare()
        self._outer = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", _FIRST, "bash",
             os.fspath(directory), os.fspath(self.root or ""), os.fspath(self.shared or "")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(directory / "namespace.log").open("wb"),
            start_new_session=True)
        self._children: list[subprocess.Popen] = []
        if self._outer.stdout.readline() != b"ready\n":
            self.stop()
            raise CommandError(f"{name}: no namespace could be made; see {directory}/namespace.log")
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        self.first = int(children[0])
        self.identity = os.readlink(f"/proc/{self.first}/ns/pid")

    def _prepare(self) -> None:
        """Writes what the first process wants to find."""

    @property
    def is_alive(self) -> bool:
        """Whether something can still run inside."""
        return self._outer.poll() is None

    def _enter(self, command: list[str]) -> list[str]:
        return ["nsenter", "--target", str(self.first), "--mount", "--pid", "--net", "--"] + command

    def run(self, *command: str, seconds: float = 30) -> str:
        """Runs a command inside, and gives what it prints."""
        return _run(self._enter(list(command)), seconds)

    def network(self, *command: str) -> str:
        """Runs a command in the network alone, where processes have the numbers that they have outside."""
        return _run(["nsenter", "--target", str(self.first), "--net", "--"] + list(command), 30)

    def spawn(self, log: str, *command: str) -> subprocess.Popen:
        """Starts a program inside that writes to a log and runs until the namespace ends."""
        with (self.directory / log).open("ab") as output:
            child = subprocess.Popen(
                self._enter(list(command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        self._children.append(child)
        return child

    def bridge(self, name: str, *addresses: str) -> None:
        """Makes a bridge that has these addresses."""
        self.network("ip", "link", "add", name, "type", "bridge", "forward_delay", "0")
        for address in addresses:
            self.network("ip", "address", "add", address, "dev", name)
        self.network("ip", "link", "set", name, "up")

    def dnsmasq(self, bridge: str, lease: str, *options: str) -> None:
        """Gives out addresses on a bridge: `lease` is MAC,address,host or a range."""
        self.spawn(
            f"dnsmasq-{bridge}.log", "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--log-facility=-",
            "--user=root", "--pid-file=", "--port=0", "--no-ping", "--bind-interfaces", f"--interface={bridge}",
            "--except-interface=lo", f"--dhcp-leasefile=/run/{bridge}.leases", "--log-dhcp", lease, *options)

    def plug(self, bridge: str, port: str, other: "Namespace", other_bridge: str, other_port: str) -> None:
        """Joins a bridge to one of another namespace by a cable."""
        self.network("ip", "link", "add", port, "type", "veth", "peer", "name", other_port, "netns", str(other.first))
        self.network("ip", "link", "set", port, "master", bridge, "up")
        other.network("ip", "link", "set", other_port, "master", other_bridge, "up")

    def stop(self) -> None:
        """Ends all that runs inside; a second time it does nothing."""
        self._outer.stdin.close()
        try:
            self._outer.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._outer.kill()
            self._outer.wait(timeout=20)
        for child in self._children:
            child.wait(timeout=20)


class Host(Namespace):
    """A machine with a libvirtd and a metadata server that share nothing with the real one's."""

    def __init__(self, name: str, directory: Path, server: Path, root: Path | None = None, shared: Path | None = None):
        """Starts the libvirtd and waits for its answer; the server waits for `serve`."""
        self.server, self.root, self.shared = server, root, shared
        self._serving: subprocess.Popen | None = None
        self._said_before = 0
        super().__init__(name, directory)
        try:
            # It would inherit and keep our pipes; so its output goes to a file.
            self.run(
                "sh", "-c",
                'exec timeout 60 libvirtd --daemon --config "$1/etc/libvirtd.conf" --pid-file /run/libvirt/libvirtd.pid'
                ' >"$1/libvirtd-start.log" 2>&1 </dev/null', "sh", os.fspath(directory), seconds=70)
            self.virsh("version", seconds=60)
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        """Writes libvirt's configuration, and users in case `libvirt-qemu` is missing: its driver needs that name."""
        (self.directory / "etc").mkdir()
        (self.directory / "etc/qemu.conf").write_text(_QEMU_CONF)
        (self.directory / "etc/libvirtd.conf").write_text(
            f'auth_unix_ro = "none"\nauth_unix_rw = "none"\nlog_outputs = "3:file:{self.directory}/libvirtd.log"\n')
        if self.root:
            return  # that system has this user
        for kind, line in (("passwd", "libvirt-qemu:x:64055:64055::/:/bin/false\n"), ("group", "libvirt-qemu:x:64055:\n")):
            text = Path("/etc", kind).read_text()
            (self.directory / kind).write_text(text if "\nlibvirt-qemu:" in text else text + line)

    def virsh(self, *arguments: str, seconds: float = 30) -> str:
        """Runs virsh, connected to this host's libvirtd."""
        return self.run("virsh", "--quiet", "--connect", "qemu:///system", *arguments, seconds=seconds)

    def program(self, *arguments: str) -> str:
        """Runs a command of ours, as an operator of this host does."""
        return self.run(os.fspath(self.server), *arguments)

    def define(self, kind: str, name: str, xml: str) -> None:
        """Creates a network or a domain, as virsh names the command, from XML that stays beside the logs."""
        path = self.directory / f"{name}.xml"
        path.write_text(xml)
        self.virsh(kind, os.fspath(path), seconds=60)

    # The server

    @property
    def server_log(self) -> str:
        """What the server has said until now."""
        path = self.directory / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def serve(self, *selection: str) -> None:
        """Starts the server as an operator does, and stays root, because this host has no other user. By default all bridges are served, so that a
        scenario can wait for one before a guest boots; `serve_when_enabled` serves those of enabled domains."""
        self._said_before = len(self.server_log)
        self._serving = self.spawn(
            "server.log", "sh", "-c", 'echo $$ >/run/server.pid; exec "$@"', "sh", os.fspath(self.server), "serve",
            "--connect", "qemu:///system", "--user", "root", *(selection or ("--network", "all")))

    def serve_when_enabled(self) -> None:
        """Starts the server with its defaults: it touches no bridge before a domain on it is enabled."""
        self.serve("--intercept", "auto")

    def wait_until_served(self, bridge: str, seconds: float = 60) -> None:
        """Waits until the server that was started last says that a bridge's guests can connect."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            said = self.server_log[self._said_before:].splitlines()
            if any(SERVES in line and f"bridge={bridge} " in line + " " for line in said):
                return
            if self._serving is None or self._serving.poll() is not None:
                raise CommandError(f"{self.name}: the server does not run; see {self.directory}/server.log")
            time.sleep(0.05)
        raise CommandError(f"{self.name}: {bridge} is not served after {seconds:.0f} s; see {self.directory}/server.log")

    def end_server(self) -> None:
        """Ends the server as systemd does; it must end well, soon, and without having had to complain."""
        if self._serving is None:
            return
        self.run("sh", "-c", "kill -TERM $(cat /run/server.pid)")
        status = self._serving.wait(timeout=30)
        self._serving = None
        if status != 0:
            raise CommandError(f"after SIGTERM the server ended with status {status}; see {self.directory}/server.log")
        complaints = [line for line in self.server_log.splitlines() if COMPLAINT.search(line)]
        if complaints:
            raise CommandError("\n".join([f"the server on {self.name} complains:", *complaints[:10]]))


# What the server says when guests can connect.
SERVES = "guests of a bridge are served"
COMPLAINT = re.compile(r"^\S+ (warning|error|critical) ")


def _run(command: list[str], seconds: float) -> str:
    """Runs a command for a limited time, and gives what it prints."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"not within {seconds:.0f} s: {' '.join(command)[:300]}") from error
    if done.returncode != 0:
        raise CommandError(f"status {done.returncode}: {' '.join(command)[:300]}: {(done.stderr + done.stdout).strip()[:600]}")
    return done.stdout


def end_with_signals() -> None:
    """Lets SIGTERM and SIGHUP end this program as control-C does, so that it cleans up."""
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
