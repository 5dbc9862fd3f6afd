"""The networks that the lab makes, and what their guests must find."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import image
import package as packages
from guests import MARKER, Failure, Guest
from host import Host, Namespace


class Stage(Protocol):
    """What a scenario asks of the lab; what it makes is gone when the scenario has ended."""

    # Where our own packages are.
    packages: Path

    def say(self, who: str, what: str) -> None: ...
    def namespace(self, name: str) -> Namespace: ...
    def host(self, name: str, debian: int | None = None) -> Host: ...
    def boot(self, guest: Guest) -> None: ...
    def slot(self) -> Any: ...


def _define_nat(host: Host, name: str, network: str, more: str = "") -> None:
    """A network with a way out by the host, on a bridge of the same name with a 0."""
    host.define("net-create", name, f"""<network><name>{name}</name><forward mode='nat'/><bridge name='{name}0'/>
      <ip address='{network}.1' netmask='255.255.255.0'><dhcp><range start='{network}.10' end='{network}.99'/></dhcp></ip>{more}
    </network>""")


def nat(stage: Stage) -> None:
    """A NAT network: the default route leads to the host; the guest lives on through a reboot, an edit and a restart."""
    host = stage.host("nat")
    _define_nat(host, "nat", "10.10.0")
    host.serve()
    host.wait_until_served("nat0")
    guest = Guest("nat-web", host, "network", "network='nat'", "52:54:00:10:00:01", hostname="www")
    stage.boot(guest)
    with stage.slot():
        _edit(stage, guest)
        _restart(stage, guest)
        _reboot(stage, guest)
    host.end_server()


# A network without a way out.
ISOLATED = """
    <network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
      <name>{name}</name><bridge name='{name}0'/>
      <ip address='{network}.1' netmask='255.255.255.0'><dhcp><range start='{network}.10' end='{network}.99'/></dhcp></ip>
      <dnsmasq:options>
        <dnsmasq:option value='dhcp-option=option:classless-static-route,169.254.169.254/32,{network}.1'/>
      </dnsmasq:options>
    </network>"""


def isolated(stage: Stage) -> None:
    """A network without a way out: DHCP's option 121 tells the guest where 169.254.169.254 is."""
    host = stage.host("isolated")
    host.define("net-create", "isolated", ISOLATED.format(name="isolated", network="10.11.0"))
    host.serve()
    host.wait_until_served("isolated0")
    guest = Guest("isolated-db", host, "network", "network='isolated'", "52:54:00:11:00:01")
    stage.boot(guest)
    routes = guest.execute("/bin/ip", "route")
    _expect(guest, {"no default route": ("default" in routes, False)}, routes)
    host.end_server()


def twins(stage: Stage) -> None:
    """Two bridges of the operator's own, whose guests have the same address."""
    host = stage.host("twins")
    guests = []
    for number, bridge in enumerate(("left0", "right0")):
        host.bridge(bridge, "10.12.0.1/24")
        host.dnsmasq(bridge, "--dhcp-range=10.12.0.50,10.12.0.50,1h")
        guests.append(Guest(f"twin-{bridge[:-1]}", host, "bridge", f"bridge='{bridge}'", f"52:54:00:12:00:0{number + 1}"))
    host.serve()
    _together(stage.boot, guests)
    for guest in guests:
        addresses = guest.execute("/bin/ip", "-4", "-brief", "address", "show", "scope", "global")
        _expect(guest, {"the same address": ("10.12.0.50/24" in addresses, True)}, addresses)
    # Again, now that the other is certainly there.
    _together(own_metadata, guests)
    host.end_server()


def uplink(stage: Stage) -> None:
    """Two hosts whose bridges lead to one LAN with the gateway elsewhere; each serves its own guests, and nothing gets out."""
    lan = stage.namespace("lan")
    lan.bridge("lan0", "192.0.2.1/24")
    lan.network("nft", "add table ip lab; add chain ip lab in { type filter hook prerouting priority -300; };"
                " add rule ip lab in ip daddr 169.254.169.254 counter")
    lan.dnsmasq("lan0", "--dhcp-range=192.0.2.50,192.0.2.99,1h")
    guests = []
    for number, side in enumerate(("east", "west")):
        host = stage.host(f"uplink-{side}")
        host.bridge("br0")
        host.plug("br0", "uplink", lan, "lan0", side)
        host.serve()
        guests.append(Guest(f"uplink-{side}", host, "bridge", "bridge='br0'", f"52:54:00:13:00:0{number + 1}"))
    _together(stage.boot, guests)
    _together(own_metadata, guests)
    strayed = lan.network("nft", "list table ip lab")
    _expect(guests[0], {"nothing asks the gateway": ("packets 0 bytes 0" in strayed, True)}, strayed)
    for guest in guests:
        guest.host.end_server()


def ipv6(stage: Stage) -> None:
    """A network with IPv6: both IPv6 addresses answer, beside the IPv4 one that cloud-init's OpenStack source asks."""
    host = stage.host("ipv6")
    _define_nat(host, "six", "10.14.0", "<ip family='ipv6' address='fd00:14::1' prefix='64'/>")
    host.serve()
    host.wait_until_served("six0")
    guest = Guest("six-mail", host, "network", "network='six'", "52:54:00:14:00:01")
    stage.boot(guest)
    card = next(name for name in guest.execute("/bin/ls", "/sys/class/net").split() if name != "lo")
    path = "/latest/meta-data/placement/availability-zone"
    urls = [f"http://[fe80::a9fe:a9fe%25{card}]{path}", f"http://[fd00:ec2::254]{path}"]
    answers = guest.probe("ask", *urls)
    _expect(guest, {url: (answers[url], f"{guest.zone} 200") for url in urls}, guest.execute("/bin/ip", "-6", "route"))
    stage.say(guest.name, f"answered by IPv6 on {card}")
    host.end_server()


def ec2(stage: Stage) -> None:
    """A guest that believes to be on EC2, which reads nothing without a token, on a network without a way out; it reboots."""
    host = stage.host("ec2")
    host.define("net-create", "ec2", ISOLATED.format(name="ec2", network="10.15.0"))
    host.serve()
    host.wait_until_served("ec20")
    guest = Guest(
        "ec2-web", host, "network", "network='ec2'", "52:54:00:15:00:01", hostname="ec2-www", zone="rack-1a", cloud="ec2")
    stage.boot(guest)
    url = "http://169.254.169.254/latest/meta-data/placement/region"
    answer = guest.probe("ask", url)[url]
    _expect(guest, {"without a token": (answer, "401 Unauthorized 401")})
    with stage.slot():
        _reboot(stage, guest)
    host.end_server()


def static(stage: Stage) -> None:
    """Addresses from network_data.json alone: on a second card without DHCP, and in place of the one that DHCP gave at first."""
    host = stage.host("static")
    _define_nat(host, "front", "10.16.0")
    host.define("net-create", "back", """<network><name>back</name><bridge name='back0'/>
      <ip address='10.17.0.1' netmask='255.255.255.0'/><ip family='ipv6' address='fd00:17::1' prefix='64'/>
    </network>""")
    host.serve()
    host.wait_until_served("front0")
    two = Guest("static-two", host, "network", "network='front'", "52:54:00:16:00:01",
                second=("network", "network='back'", "52:54:00:17:00:01"),
                interfaces="<interface mac='52:54:00:17:00:01'><address>10.17.0.20/24</address>"
                           "<address>fd00:17::20/64</address></interface>")
    newer = Guest("static-13", host, "network", "network='front'", "52:54:00:16:00:03", debian=13,
                  second=("network", "network='back'", "52:54:00:17:00:03"),
                  interfaces="<interface mac='52:54:00:17:00:03'><address>10.17.0.21/24</address>"
                             "<address>fd00:17::21/64</address></interface>")
    one = Guest("static-one", host, "network", "network='front'", "52:54:00:16:00:02",
                interfaces="<interface mac='52:54:00:16:00:02'><address>10.16.0.200/24</address></interface>")
    _together(stage.boot, [two, newer, one])
    for guest, number in ((two, 20), (newer, 21)):
        front, back = guest.addresses(guest.mac), guest.addresses(guest.second[2])
        _expect(guest, {
            "the second card's address by IPv4": (f"10.17.0.{number}/24" in back, True),
            "the second card's address by IPv6": (f"fd00:17::{number}/64" in back, True),
            "the first card's address": (len([address for address in front if address.startswith("10.16.0.")]), 1),
        }, f"{front} {back}")
    alone = one.addresses("52:54:00:16:00:02")
    _expect(one, {
        "addresses by IPv4": ([address for address in alone if "." in address], ["10.16.0.200/24"]),
        "the default route": ("default via 10.16.0.1" in one.execute("/bin/ip", "route"), True),
    }, str(alone))
    host.end_server()


def debian13(stage: Stage) -> None:
    """Guests with Debian 13's cloud-init, one for each tree."""
    host = stage.host("debian13")
    _define_nat(host, "thirteen", "10.22.0")
    host.serve()
    host.wait_until_served("thirteen0")
    _together(stage.boot, [
        Guest(f"thirteen-{cloud}", host, "network", "network='thirteen'", f"52:54:00:22:00:0{number + 1}", hostname=f"www-{cloud}",
              zone="rack-1a", cloud=cloud, debian=13)
        for number, cloud in enumerate(CLOUDS)])
    host.end_server()


def onlink(stage: Stage) -> None:
    """A gateway outside of the guest's own subnet, as at a hoster: addresses with the longest prefix on a bridge of the operator's own.

    Debian 12's cloud-init makes no such route by IPv6 (it does from 23.1 on), and has an address by IPv4 alone. It writes two routes that depend on
    each other."""
    host = stage.host("onlink")
    host.bridge("hoster0", "203.0.113.1/24", "2001:db8:13::1/64")
    host.dnsmasq("hoster0", "--dhcp-range=203.0.113.100,203.0.113.120,1h")
    host.serve()
    guests = []
    for debian in image.RELEASES:
        mac = f"52:54:00:24:00:{debian}"
        more = "" if debian == 12 else f"<address>2001:db8:13::{debian}/128</address><gateway>2001:db8:13::1</gateway>"
        guests.append(Guest(f"onlink-{debian}", host, "bridge", "bridge='hoster0'", mac, debian=debian, interfaces=(
            f"<interface mac='{mac}'><address>203.0.113.{debian}/32</address><gateway>203.0.113.1</gateway>{more}</interface>")))
    _together(lambda guest: _boot_beyond_subnet(stage, guest, "203.0.113.1"), guests)
    for guest in guests:
        addresses = guest.addresses(guest.mac)
        routes, other = guest.execute("/bin/ip", "route"), guest.execute("/bin/ip", "-6", "route")
        _expect(guest, {
            "addresses by IPv4": ([one for one in addresses if "." in one], [f"203.0.113.{guest.debian}/32"]),
            "the default route": (re.search(r"^default via 203\.0\.113\.1 ", routes, re.MULTILINE) is not None, True),
            "addresses by IPv6": (f"2001:db8:13::{guest.debian}/128" in addresses, guest.debian != 12),
            "the default route by IPv6": (re.search(r"^default via 2001:db8:13::1 ", other, re.MULTILINE) is not None, guest.debian != 12),
        }, f"{addresses}\n{routes}\n{other}")
    host.end_server()


# systemd-networkd 252 takes the link down and up while it configures it. By IPv4 the kernel then drops the route to the gateway without a word, and the
# default route is refused if the other was made before, and not yet again.
LOST_GATEWAY = "Could not set route: Nexthop has invalid gateway"


def _boot_beyond_subnet(stage: Stage, guest: Guest, gateway: str) -> None:
    """Boots a guest whose gateway is outside of its subnet; where its networkd has lost the default route, the route is set by hand."""
    try:
        return stage.boot(guest)
    except Failure:
        if guest.debian != 12 or LOST_GATEWAY not in guest.execute("/bin/journalctl", "-b", "-u", "systemd-networkd"):
            raise
    stage.say(guest.name, "its networkd has lost the default route, which is set by hand")
    guest.execute("/bin/ip", "route", "add", "default", "via", gateway)
    check(guest, guest.probe("facts"))
    own_metadata(guest)


def bond(stage: Stage) -> None:
    """The operator's own network configuration, with a bond of two interfaces: passed through to a seed, and converted to network_data.json; the
    server still answers when one of the two has lost its link."""
    host = stage.host("bond")
    _define_nat(host, "pair", "10.26.0")
    host.serve()
    host.wait_until_served("pair0")
    guests = []
    for debian, cloud in zip(image.RELEASES, ("openstack", "nocloud")):
        first, second = (f"52:54:00:26:{number:02}:{debian}" for number in (1, 2))
        guests.append(Guest(
            f"bond-{debian}", host, "network", "network='pair'", first, second=("network", "network='pair'", second), cloud=cloud,
            debian=debian, network=f"""\
version: 2
ethernets:
  one: {{match: {{macaddress: "{first}"}}}}
  two: {{match: {{macaddress: "{second}"}}}}
bonds:
  both:
    interfaces: [one, two]
    macaddress: "{first}"
    parameters: {{mode: active-backup, mii-monitor-interval: 100}}
    addresses: [10.26.0.2{debian}/24]
    routes: [{{to: 0.0.0.0/0, via: 10.26.0.1}}]
    nameservers: {{addresses: [10.26.0.1]}}
"""))
    _together(stage.boot, guests)
    for guest in guests:
        links = json.loads(guest.execute("/bin/ip", "-json", "-details", "address"))
        bonds = [link for link in links if link.get("linkinfo", {}).get("info_kind") == "bond"]
        _expect(guest, {
            "bonds": (len(bonds), 1),
            "their mode": ([link["linkinfo"]["info_data"]["mode"] for link in bonds], ["active-backup"]),
            "their addresses": ([one["local"] for link in bonds for one in link["addr_info"] if one["family"] == "inet"],
                                [f"10.26.0.2{guest.debian}"]),
            "members": (sorted(link["address"] for link in links if link.get("linkinfo", {}).get("info_slave_kind") == "bond"),
                        [guest.mac, guest.mac]),
        }, json.dumps(links, indent=1))
        active = guest.execute("/bin/sh", "-c", "cat /sys/class/net/*/bonding/active_slave").strip()
        mac = guest.execute("/bin/sh", "-c", f"cat /sys/class/net/{active}/bonding_slave/perm_hwaddr").strip()
        guest.host.virsh("domif-setlink", guest.name, mac, "down")
        guest.execute("/bin/sh", "-c", f"for i in $(seq 100); do [ $(cat /sys/class/net/*/bonding/active_slave) = {active} ] || exit 0; sleep 0.2; done;"
                      " exit 1")
        own_metadata(guest)
        stage.say(guest.name, f"reads its metadata when {active} has no link")
    host.end_server()


def sixonly(stage: Stage) -> None:
    """A network with IPv6 alone: the seed is read from fd00:ec2::254, and DHCPv6 gives the address."""
    host = stage.host("sixonly")
    host.define("net-create", "sixonly", """<network><name>sixonly</name><forward mode='nat'><nat ipv6='yes'/></forward><bridge name='sixonly0'/>
      <ip family='ipv6' address='fd00:25::1' prefix='64'><dhcp><range start='fd00:25::100' end='fd00:25::1ff'/></dhcp></ip>
    </network>""")
    host.serve()
    host.wait_until_served("sixonly0")
    guests = [
        Guest(f"sixonly-{debian}", host, "network", "network='sixonly'", f"52:54:00:25:00:{debian}", cloud="nocloud", debian=debian,
              server="fd00:ec2::254") for debian in image.RELEASES]
    _together(stage.boot, guests)
    for guest in guests:
        addresses = guest.addresses(guest.mac)
        _expect(guest, {
            "addresses by IPv4": ([one for one in addresses if "." in one], []),
            "an address by DHCPv6": (any(one.startswith("fd00:25::1") and one.endswith("/128") for one in addresses), True),
        }, str(addresses))
    host.end_server()


def nocloud(stage: Stage) -> None:
    """A guest that its SMBIOS serial number tells to take this server for a seed."""
    host = stage.host("nocloud")
    _define_nat(host, "seed", "10.19.0")
    host.serve()
    host.wait_until_served("seed0")
    guest = Guest("nocloud-web", host, "network", "network='seed'", "52:54:00:19:00:01", hostname="seeded", cloud="nocloud")
    stage.boot(guest)
    host.end_server()


def enable(stage: Stage) -> None:
    """A bare domain that `virt-metadata enable` makes a guest of, into which its operator then logs in."""
    host = stage.host("enable")
    # What the package has, as it is installed; a host of the lab has no service manager that could start it.
    host.run("dpkg-deb", "-x", str(packages.newest(stage.packages)), str(host.directory / "installed"), seconds=120)
    host.server = host.directory / "installed/usr/bin/virt-metadata"
    _enable(stage, host, "10.18.0")


def newer(stage: Stage) -> None:
    """Our package, installed by dpkg on a host with Debian 13: a later libvirt, QEMU and nftables than it was built with."""
    host = stage.host("newer", debian=13)
    deb = shutil.copy(packages.newest(stage.packages), host.directory)
    host.run("dpkg", "--install", deb, seconds=120)
    host.server = Path("/usr/bin/virt-metadata")
    versions = host.run("dpkg-query", "--show", "--showformat", "${Package} ${Version}, ", "libvirt0", "qemu-system-x86", "nftables")
    stage.say(host.name, f"has {versions.rstrip(', ')}")
    _enable(stage, host, "10.21.0")


def _enable(stage: Stage, host: Host, network: str) -> None:
    """Has a bare domain enabled, logs into its guest, and has it disabled; the network is called as the host."""
    name = host.name
    _define_nat(host, name, network)
    host.serve_when_enabled()
    key = host.directory / "operator"
    host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "operator@lab", "-f", str(key))
    login = key.with_suffix(".pub").read_text().strip()
    guest = Guest(f"{name}-web", host, "network", f"network='{name}'", "52:54:00:18:00:01", hostname="www", login=login)
    untouched = host.network("nft", "list", "ruleset") + host.network("ip", "-o", "address", "show", "dev", f"{name}0")
    stage.boot(guest)
    _expect(guest, {"nothing on the host before": ("virt_metadata" in untouched or "169.254.169.254" in untouched, False)}, untouched)
    host.wait_until_served(f"{name}0")
    address = next(one for one in guest.addresses(guest.mac) if one.startswith(f"{network}.")).partition("/")[0]
    # Nobody else is on this network, and nothing is known of the guest's own key.
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-i", str(key)]
    said = host.run("ssh", *options, f"debian@{address}", "sudo cloud-init status && hostname", seconds=120)
    _expect(guest, {"what is said over ssh": (said.split("\n")[:2], ["status: done", "www"])}, said)
    stage.say(guest.name, "lets its operator in")
    listed = next(one for one in json.loads(host.program("list", "--json"))["domains"] if one["name"] == guest.name)
    _expect(guest, {
        "its listed address": (listed["addresses"], [address]), "its listed identity": (listed["identity"], "openstack"),
        "its last request": ((listed["last_request"] or {}).get("status"), 200),
        "what the doctor ends with": (host.run("sh", "-c", '"$1" doctor "$2" >/dev/null; echo $?', "sh", os.fspath(host.server), guest.name)
                                      .strip(), "0"),
    }, str(listed))
    host.program("disable", guest.name)
    definition = host.virsh("dumpxml", "--inactive", guest.name)
    left = [word for word in ("urn:virt-metadata", "sysinfo", "OpenStack") if word in definition]
    _expect(guest, {"what disable leaves": (left, [])}, definition)
    host.end_server()


def package(stage: Stage) -> None:
    """Our own package, installed where systemd is the first process: started, asked, restarted, upgraded and purged."""
    deb = packages.newest(stage.packages)
    host = stage.host("package")
    _define_nat(host, "package", "10.20.0")
    host.serve()
    host.wait_until_served("package0")
    newer = packages.another_version(deb, host.directory, host.run)
    (host.directory / "older.deb").symlink_to(deb)
    host.spawn("http.log", "python3", "-m", "http.server", "8000", "--bind", "10.20.0.1", "--directory", str(host.directory))
    guest = Guest("package-host", host, "network", "network='package'", "52:54:00:20:00:01")
    stage.boot(guest)
    with stage.slot():
        _package(stage, guest, newer.name)
    host.end_server()


def _package(stage: Stage, guest: Guest, newer: str) -> None:
    """What an operator does with the package, step by step."""
    shell = packages.shell
    url = "http://10.20.0.1:8000/"
    guest.execute("/bin/sh", "-c", "cat >/srv/node.xml", text=packages.NODE)
    shell(guest, packages.NETWORK)
    packages.install(guest, url + "older.deb")
    # As it comes it waits for a libvirt that is not here; it is told of another one.
    guest.execute("/bin/sh", "-c", "cat >/etc/virt-metadata/config.yaml", text=packages.CONFIGURATION)
    shell(guest, "systemctl restart virt-metadata")
    state = shell(guest, "systemctl is-active virt-metadata; ps -o user:32= -p $(systemctl show -P MainPID virt-metadata);"
                         " for i in $(seq 50); do answer=$(" + packages.ASK + "); [ \"$answer\" = 'i-inner 200' ] && break; sleep 0.2; done;"
                         " echo \"$answer\"; for i in $(seq 50); do status=$(systemctl show -P StatusText virt-metadata);"
                         " case $status in Serving*) break ;; esac; sleep 0.2; done; echo \"$status\"").split("\n")
    serving = "Serving 1 bridge (br0), 1 guest known"
    _expect(guest, {"how the service is": (state, ["active", "virt-metadata", "i-inner 200", serving])},
            shell(guest, "journalctl -u virt-metadata --no-pager | tail -40; systemctl status --no-pager virt-metadata || true"))
    said = shell(guest, "journalctl -u virt-metadata -o cat --no-pager")
    _expect(guest, {"a complaint of the runtime's": ("thread priority" in said, False)}, said)
    stage.say(guest.name, "the installed service answers, as a user of its own")
    token = shell(guest, packages.TOKEN)
    key = shell(guest, "sha256sum /var/lib/virt-metadata/token.key")
    with ThreadPoolExecutor(1) as thread:
        crawl = thread.submit(shell, guest, packages.CRAWL)
        shell(guest, "for i in $(seq 40); do test -e /run/crawling && break; sleep 0.25; done; systemctl reload virt-metadata;"
                     " systemctl restart virt-metadata")
        asked, lost = crawl.result().split()
    _expect(guest, {"requests lost in a restart": (lost, "0"), "more than a few were asked": (int(asked) > 5, True)}, asked)
    stage.say(guest.name, f"{asked} requests, none lost in a restart")
    packages.install(guest, url + newer)
    after = shell(guest, "systemctl is-active virt-metadata; dpkg-query -W -f '${Version}\\n' virt-metadata;"
                         f" sha256sum /var/lib/virt-metadata/token.key; {packages.ASK} -H 'X-aws-ec2-metadata-token: {token}'").split("\n")
    _expect(guest, {
        "the upgraded service": (after[0], "active"), "its version is another": (after[1].endswith("+1"), True),
        "its key is the same": (after[2], key), "a token from before": (after[3], "i-inner 200"),
        "the configuration": (shell(guest, "cat /etc/virt-metadata/config.yaml") + "\n", packages.CONFIGURATION),
    }, str(after))
    stage.say(guest.name, "upgraded, with its state")
    doctor = shell(guest, "virt-metadata doctor --json || true")
    _expect(guest, {"the doctor runs there": ('"check": "server", "result": "ok"' in doctor, True)}, doctor)
    shell(guest, "DEBIAN_FRONTEND=noninteractive dpkg --purge virt-metadata >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log >&2; exit 1; }")
    left = shell(guest, "ls -d /var/lib/virt-metadata /run/virt-metadata /etc/virt-metadata /usr/bin/virt-metadata 2>/dev/null || true;"
                        " getent passwd virt-metadata || true; nft list tables | grep virt_metadata || true;"
                        " ip -o address show dev br0 | grep 169.254 || true;"
                        " systemctl list-unit-files --no-legend 'virt-metadata*' || true")
    _expect(guest, {"what a purge leaves": (left, "")}, left)
    stage.say(guest.name, "purged, and nothing is left")


# By name.
ALL: dict[str, Callable[[Stage], None]] = {
    "nat": nat, "uplink": uplink, "twins": twins, "ipv6": ipv6, "isolated": isolated, "ec2": ec2, "static": static,
    "enable": enable, "nocloud": nocloud, "package": package, "newer": newer, "debian13": debian13, "onlink": onlink, "sixonly": sixonly, "bond": bond,
}


# What is asked of guests


# By what a guest believes: cloud-init's name of the cloud, and of the data source that is to find it.
CLOUDS = {"openstack": ("openstack", "DataSourceOpenStackLocal"), "ec2": ("aws", "DataSourceEc2Local"),
          # It asks over the network, and so once that is up.
          "nocloud": ("nocloud", "DataSourceNoCloudNet")}


def check(guest: Guest, facts: dict[str, Any], runs: int = 1) -> None:
    """Compares what cloud-init made of a guest with what its domain says."""
    known = facts["instance"].get("v1", {})
    source = facts["instance"].get("ds", {})
    # As the tree is spelt that it comes from.
    described = source.get("meta_data") or source.get("meta-data") or {}
    hostname = guest.hostname or guest.name
    cloud, data_source = CLOUDS[guest.cloud]
    _expect(guest, {
        "cloud-init's status": (facts["status"], "status: done"),
        "cloud-init's cloud": (facts["cloud"], cloud),
        "cloud-init's errors": (facts["result"].get("errors"), []),
        "cloud-init's data source": (str(facts["result"].get("datasource")).split(" ")[0], data_source),
        "warnings in cloud-init's log": (_unexpected(guest, facts["complaints"]), []),
        "the host name": (facts["hostname"], hostname),
        "the operator's key": (guest.key in facts["keys"], True),
        "runs of user data's runcmd": (facts["runs"], [guest.marker] * runs),
        "SMBIOS's uuid": (facts["uuid"], guest.uuid),
        "instance-data's instance_id": (known.get("instance_id"), guest.instance_id),
        "instance-data's availability_zone": (known.get("availability_zone"), guest.zone),
        "instance-data's local_hostname": (known.get("local_hostname"), hostname),
        "instances that cloud-init has seen": (facts["instances"], [guest.instance_id]),
    } | OF_CLOUDS[guest.cloud](guest, facts, described, known),
        f"addresses:\n{facts['addresses']}\nroutes:\n{facts['routes']}")


def _unexpected(guest: Guest, complaints: list[str]) -> list[str]:
    """The warnings that have something to do with us."""
    if guest.cloud != "nocloud":
        return complaints
    # Its source belongs to the second stage, and then 22.4.2 applies the network anew, of which netplan says nothing at length.
    return [line for line in complaints if not line.endswith("Running ['netplan', 'apply'] resulted in stderr output: ")]


def _openstack(guest: Guest, facts: dict[str, Any], described: dict[str, Any], _: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What only the OpenStack documents tell."""
    return {
        "the vendor data's file": (facts["vendor"], guest.marker),
        "instance-data's uuid": (described.get("uuid"), guest.uuid),
        "instance-data's name": (described.get("name"), guest.name),
    }


def _ec2(guest: Guest, _: dict[str, Any], described: dict[str, Any], known: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What only the EC2 tree tells."""
    macs = described.get("network", {}).get("interfaces", {}).get("macs", {})
    return {
        "instance-data's region": (known.get("region"), guest.zone[:-1]),
        "instance-data's interfaces": (list(macs), [guest.mac]),
        "instance-data's tags": (described.get("tags", {}).get("instance"), {"lab": guest.tag, "owner": guest.marker}),
    }


def _nocloud(guest: Guest, facts: dict[str, Any], described: dict[str, Any], _: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What only the NoCloud files tell."""
    return {
        "the vendor data's file": (facts["vendor"], guest.marker),
        "the seed's instance-id": (described.get("instance-id"), guest.instance_id),
    }


# What is looked at besides, by what a guest believes.
OF_CLOUDS = {"openstack": _openstack, "ec2": _ec2, "nocloud": _nocloud}


def own_metadata(guest: Guest) -> None:
    """Walks through all that a guest can read: every listed place answers, and nothing of it is another guest's."""
    seen = guest.probe("crawl", MARKER, "0")
    _expect(guest, {
        "places that do not answer": (seen["lost"], []),
        "markers in what is read": (seen["markers"], [guest.marker]),
        "more than a few places": (seen["places"] > 15, True),
    }, str(seen))


def _edit(stage: Stage, guest: Guest) -> None:
    """Changes the running domain's metadata; the guest reads it at once."""
    guest.edit("after")
    url = "http://169.254.169.254/openstack/latest/meta_data.json"
    answer = guest.probe("ask", url)[url]
    _expect(guest, {"the edited tag is read": ('"lab": "after"' in answer or '"lab":"after"' in answer, True)}, answer)
    stage.say(guest.name, "read the edited metadata")


def _restart(stage: Stage, guest: Guest) -> None:
    """Ends and starts the server while the guest asks without a pause; it may wait, but loses nothing."""
    guest.execute("/bin/rm", "-f", "/run/lab-crawls")
    with ThreadPoolExecutor(1) as thread:
        crawl = thread.submit(guest.probe, "crawl", MARKER, "30")
        guest.execute("/bin/sh", "-c", "for i in $(seq 25); do test -e /run/lab-crawls && exit; sleep 1; done; exit 1")
        guest.host.end_server()
        away = time.monotonic()
        # Long enough to fall between requests of any guest.
        time.sleep(2)
        guest.host.serve()
        guest.host.wait_until_served("nat0")
        away = time.monotonic() - away
        in_time = not crawl.done()
        seen = crawl.result()
    _expect(guest, {
        "the guest asked all the while": (in_time, True),
        "requests lost while the server was started again": (seen["lost"], []),
        "a request that waited": (seen["slowest"] > 0.5, True),
    }, str(seen))
    stage.say(guest.name, (
        f"{seen['asked']} requests, none lost while the server was away for {away:.1f} s, the slowest {seen['slowest']} s"))


def _reboot(stage: Stage, guest: Guest) -> None:
    """Reboots a guest: it is the same instance, and what is done once is not done again."""
    before = guest.boot_id()
    guest.host.virsh("reboot", guest.name)
    guest.wait_for_reboot(before)
    stage.say(guest.name, "rebooted; the agent answers")
    guest.wait_for_cloud_init()
    facts = guest.probe("facts")
    _expect(guest, {"another boot": (facts["boot"] != before, True)}, facts["boot"])
    check(guest, facts)
    stage.say(guest.name, "is the same instance after the reboot")


def _together(work: Callable[[Guest], None], guests: list[Guest]) -> None:
    """Does the same for several guests at once; the first failure is raised when all have ended."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(guests)))
        results = [pool.submit(work, guest) for guest in guests]
    for result in results:
        result.result()


def _expect(guest: Guest, facts: dict[str, tuple[Any, Any]], background: str = "") -> None:
    """Fails with all that is not as expected."""
    wrong = [f"  {what}: {seen!r}, not {wanted!r}" for what, (seen, wanted) in facts.items() if seen != wanted]
    if wrong:
        raise Failure("\n".join([f"{guest.name} is not as it has to be", *wrong, background]))
