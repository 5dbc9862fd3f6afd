"""Our own package in a guest, where systemd is the first process: installed, asked, restarted, upgraded and purged."""

import textwrap
from pathlib import Path

from guests import Failure, Guest

# What the server in the guest is told: a make-believe host with one domain, which a namespace of the guest stands for.
NODE = """<node><domain type='test'><name>inner</name><uuid>1ab0cafe-0000-4000-8000-000000000001</uuid>
<metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-inner</instance-id></instance></metadata>
<memory unit='MiB'>64</memory><os><type>hvm</type></os><devices><interface type='bridge'>
<mac address='52:54:00:aa:00:01'/><source bridge='br0'/><target dev='tap-inner'/></interface></devices></domain></node>
"""
CONFIGURATION = "connect: test:///srv/node.xml\nintercept: address\n"

# The inner guest, behind a bridge of its own.
NETWORK = """
    ip link add br0 type bridge
    ip link set br0 address 02:00:00:00:00:fe up
    ip netns add inner
    ip link add tap-inner type veth peer name eth0 netns inner
    ip link set tap-inner master br0 up
    ip -n inner link set eth0 address 52:54:00:aa:00:01 up
    ip -n inner address add 192.0.2.10/24 dev eth0
    ip -n inner route add 169.254.169.254/32 dev eth0
"""

ASK = "ip netns exec inner curl -s --max-time 10 -w ' %{http_code}' http://169.254.169.254/latest/meta-data/instance-id"
TOKEN = ("ip netns exec inner curl -s --max-time 10 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 600'"
         " http://169.254.169.254/latest/api/token")

# Asks without a pause for some seconds, and prints how often, and how often without an answer.
CRAWL = textwrap.dedent("""
    asked=0 lost=0 end=$(($(date +%s) + 14))
    while [ "$(date +%s)" -lt $end ]; do
        [ "$(ASK)" = 'i-inner 200' ] || lost=$((lost + 1))
        asked=$((asked + 1))
        touch /run/crawling
    done
    echo "$asked $lost"
""").replace("ASK", ASK)


def newest(directory: Path) -> Path:
    """The package that was made last."""
    found = sorted(directory.glob("virt-metadata_*.deb"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Failure(f"there is no package in {directory}; make deb")
    return found[-1]


def shell(guest: Guest, script: str, seconds: float = 120) -> str:
    """Runs a script inside, which stops at the first thing that fails, and gives what it prints."""
    return guest.execute("/bin/sh", "-euc", script, seconds=seconds).strip()


def install(guest: Guest, url: str) -> None:
    """Fetches a package from the host and installs it, as an operator does by hand."""
    shell(guest, f"curl -sf -o /tmp/new.deb {url}; DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/new.deb >/tmp/dpkg.log 2>&1"
                 " || { cat /tmp/dpkg.log >&2; exit 1; }")


def another_version(package: Path, directory: Path, run) -> Path:
    """The same package with a higher version, which dpkg takes for an upgrade."""
    tree = directory / "package"
    run("dpkg-deb", "-R", str(package), str(tree), seconds=120)
    control = tree / "DEBIAN/control"
    text = control.read_text()
    version = next(line.split(": ")[1] for line in text.splitlines() if line.startswith("Version: "))
    control.write_text(text.replace(f"Version: {version}\n", f"Version: {version}+1\n"))
    newer = directory / "newer.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(newer), seconds=120)
    return newer
