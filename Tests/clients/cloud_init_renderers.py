#!/usr/bin/python3
"""Renders the network documents of a guest by an unpacked, unmodified cloud-init for each of its renderers, and compares what comes out with what
the documents say: one line {"network_data": …, "network_config": …} comes in, one list of faults a line goes out.

    Tests/clients/cloud_init_renderers.py cloud-init|cloud-init-newer

A fault is a warning, an error, or an address, route, name server, search domain, MTU or DHCP client that is lost or new; name servers and domains
are compared for the guest as a whole. The guest has the cards that the documents name, as eth0 and so on. Where netplan renders, the real
`netplan generate` makes systemd-networkd's files of it, and these are read. What a renderer cannot express, whatever a document holds, is in `excused`,
`normal` and `noise`, each with its reason; nothing else may be missing.
"""
import configparser
import ipaddress
import json
import logging
import pathlib
import re
import subprocess
import sys
import tempfile

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / ".build/clients"
VERSION = sys.argv[1]
PACKAGES = CLIENTS / VERSION / "usr/lib/python3/dist-packages"
sys.path[:] = [str(PACKAGES)] + [path for path in sys.path if path.startswith("/usr/lib/python3")]
sys.dont_write_bytecode = True

from cloudinit.net import eni, netplan, network_manager, network_state, networkd, sysconfig  # noqa: E402
from cloudinit.sources.helpers import openstack  # noqa: E402

# What `netplan generate` runs, without the half second of its Python.
GENERATE = "/usr/libexec/netplan/generate"

networkd.util.chownbyname = lambda *arguments: None  # this machine may have no user systemd-network

RENDERERS = {
    "eni": lambda: eni.Renderer({"eni_path": "etc/network/interfaces"}),
    "netplan": lambda: netplan.Renderer({"netplan_path": "etc/netplan/50-cloud-init.yaml", "postcmds": False}),
    "networkd": lambda: networkd.Renderer({"network_conf_dir": "/etc/systemd/network/"}),
    "network-manager": lambda: network_manager.Renderer({}),
    # As the class of RHEL's distribution has it.
    "sysconfig": lambda: sysconfig.Renderer({
        "control": "etc/sysconfig/network", "iface_templates": "%(base)s/network-scripts/ifcfg-%(name)s",
        "route_templates": {"ipv4": "%(base)s/network-scripts/route-%(name)s", "ipv6": "%(base)s/network-scripts/route6-%(name)s"}}),
}


class Log(logging.Handler):
    """Keeps every record at WARNING or above, and deprecations."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        self.messages.append(record.getMessage())


LOG = Log()


class Device:
    """What is configured on one link."""

    def __init__(self):
        self.facts = set()

    def add(self, *fact):
        self.facts.add(fact)


def network(text, mask=None):
    return str(ipaddress.ip_interface(f"{text}/{mask}" if mask is not None else text).network)


def address(text, mask=None):
    if mask is not None and ":" in text and ":" in str(mask):
        mask = bin(int(ipaddress.ip_address(mask))).count("1")
    return str(ipaddress.ip_interface(f"{text}/{mask}" if mask is not None else text))


def route(device, to, via, metric=None):
    if to in ("default", "0.0.0.0/0", "::/0"):
        to = "::/0" if ":" in via else "0.0.0.0/0"
    device.add("route", str(ipaddress.ip_network(to)), str(ipaddress.ip_address(via)), int(metric) if metric not in (None, "") else None)


# ------------------------------------------------------------------------------------------------------- what the documents say

def cards(documents):
    """The MAC addresses of the guest's cards by the documents' names of them, and the kernel's names."""
    data, config = documents.get("network_data"), documents.get("network_config")
    found = {}
    for link in (data or {}).get("links", []):
        if link["type"] == "phy":
            found[link["id"]] = link["ethernet_mac_address"]
    for name, link in (config or {}).get("ethernets", {}).items():
        found.setdefault(name, link["match"]["macaddress"])
    return found


def said_by_network_data(document):
    devices = {link["id"]: Device() for link in document["links"]}
    for entry in document["networks"]:
        device = devices[entry["link"]]
        kind = entry["type"]
        if kind == "ipv4_dhcp":
            device.add("dhcp4")
        elif kind in ("ipv4", "ipv6"):
            mask = entry["netmask"]
            device.add("address", address(entry["ip_address"], mask))
            if "gateway" in entry:
                route(device, "default", entry["gateway"])
                device.add("on-link", entry["gateway"])
        else:
            device.add("dynamic6")
        for other in entry.get("routes", []):
            route(device, mask_route(other), other["gateway"], other.get("metric"))
        for server in entry.get("services", []):
            device.add("server", server["address"])
        for domain in entry.get("dns_search", []):
            device.add("search", domain)
    for service in document["services"]:
        devices[document["links"][0]["id"]].add("server", service["address"])
    for link in document["links"]:
        if link.get("mtu") is not None:
            devices[link["id"]].add("mtu", int(link["mtu"]))
    return devices


def mask_route(other):
    mask = other["netmask"]
    if ":" in mask:
        mask = bin(int(ipaddress.ip_address(mask))).count("1")
    return f"{other['network']}/{mask}"


def said_by_network_config(document):
    devices = {}
    for section in ("ethernets", "bonds", "vlans"):
        for name, link in document.get(section, {}).items():
            device = devices[name] = Device()
            if link.get("dhcp4"):
                device.add("dhcp4")
            if link.get("dhcp6"):
                device.add("dynamic6")
            for text in link.get("addresses", []):
                device.add("address", address(text))
            for other in link.get("routes", []):
                route(device, other["to"], other["via"], other.get("metric"))
                if other.get("on-link"):
                    device.add("on-link", other["via"])
            for server in link.get("nameservers", {}).get("addresses", []):
                device.add("server", server)
            for domain in link.get("nameservers", {}).get("search", []):
                device.add("search", domain)
            if "mtu" in link:
                device.add("mtu", int(link["mtu"]))
    return devices


# --------------------------------------------------------------------------------------------------------- what renderers write

def sections(path):
    """The sections of a file in systemd's form, in which sections and keys repeat."""
    found = []
    for line in path.read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif "=" in line and not line.startswith("#"):
            found[-1][1].append(line.split("=", 1))
    return found


def read_networkd(path, device):
    for name, pairs in sections(path):
        keys = {}
        for key, value in pairs:
            keys.setdefault(key, []).append(value)
        if name == "Network":
            mode = keys.get("DHCP", ["no"])[-1]
            if mode in ("yes", "ipv4", "true"):
                device.add("dhcp4")
            if mode in ("yes", "ipv6", "true"):
                device.add("dynamic6")
            for value in keys.get("DNS", []):
                for server in value.split():
                    device.add("server", server)
            for value in keys.get("Domains", []):
                for domain in value.split():
                    device.add("search", domain)
            for value in keys.get("Gateway", []):
                route(device, "default", value)
        if name in ("Network", "Address"):
            for value in keys.get("Address", []):
                device.add("address", address(value))
        if name == "Route":
            via = keys["Gateway"][0]
            route(device, keys.get("Destination", ["default"])[0], via, keys.get("Metric", [None])[0])
            if keys.get("GatewayOnLink", ["no"])[0] in ("yes", "true"):
                device.add("on-link", via)
        if name == "Link" and "MTUBytes" in keys:
            device.add("mtu", int(keys["MTUBytes"][0]))


def from_netplan(root, _):
    done = subprocess.run([GENERATE, "--root-dir", str(root)], capture_output=True, text=True, timeout=60)
    LOG.messages += [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode:
        raise RuntimeError(f"netplan generate ended with {done.returncode}")
    devices = {}
    for path in sorted((root / "run/systemd/network").glob("10-netplan-*")):
        name = re.fullmatch(r"10-netplan-(.*)\.(network|link|netdev)", path.name)[1]
        read_networkd(path, devices.setdefault(name, Device()))
    return devices


def from_networkd(root, _):
    devices = {}
    for path in (root / "etc/systemd/network").glob("10-cloud-init-*.network"):
        read_networkd(path, devices.setdefault(path.name[len("10-cloud-init-"):-len(".network")], Device()))
    return devices


def from_eni(root, _):
    devices, device, family = {}, None, "inet"
    for line in (root / "etc/network/interfaces").read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "iface":
            device, family = devices.setdefault(words[1].split(":")[0], Device()), words[2]
            mode, mask, host = words[3], None, None
            if mode in ("dhcp", "auto"):
                device.add("dhcp4" if family == "inet" else "dynamic6")
        elif words[0] == "address":
            device.add("address", address(words[1]))
        elif words[0] == "gateway":
            route(device, "default", words[1])
        elif words[0] == "mtu":
            device.add("mtu", int(words[1]))
        elif words[0] == "dns-nameservers":
            for server in words[1:]:
                device.add("server", server)
        elif words[0] == "dns-search":
            for domain in words[1:]:
                device.add("search", domain)
        elif words[0] == "post-up" and words[1:3] == ["route", "add"]:
            rest = [word for word in words[3:] if word not in ("-net", "-host", "-A", "inet6", "||", "true")]
            route(device, rest[0], rest[rest.index("gw") + 1], rest[rest.index("metric") + 1] if "metric" in rest else None)
    return devices


def from_network_manager(root, known):
    devices = {}
    for path in (root / "etc/NetworkManager/system-connections").glob("*.nmconnection"):
        file = configparser.ConfigParser(interpolation=None)
        file.optionxform = str
        file.read(path)
        mac = file["ethernet"].get("mac-address") if "ethernet" in file else None
        name = known[mac.lower()] if mac else file["connection"]["interface-name"]
        device = devices.setdefault(name, Device())
        for family in ("ipv4", "ipv6"):
            if family not in file:
                continue
            keys = file[family]
            if keys.get("method") in ("auto", "dhcp"):
                device.add("dhcp4" if family == "ipv4" else "dynamic6")
            for key, value in keys.items():
                if re.fullmatch(r"address\d+", key):
                    device.add("address", address(value))
                elif re.fullmatch(r"route\d+", key):
                    to, via, *metric = value.split(",")
                    default = to in ("0.0.0.0/0", "::/0")
                    route(device, to, via, metric[0] if metric else keys.get("route-metric") if default else None)
                elif key == "gateway":
                    route(device, "default", value)
            for server in filter(None, keys.get("dns", "").split(";")):
                device.add("server", server)
            for domain in filter(None, keys.get("dns-search", "").split(";")):
                device.add("search", domain)
        for section in ("ethernet", "vlan", "bond"):
            if section in file and "mtu" in file[section]:
                device.add("mtu", int(file[section]["mtu"]))
    return devices


def from_sysconfig(root, _):
    devices = {}
    folder = root / "etc/sysconfig/network-scripts"
    for path in folder.glob("ifcfg-*"):
        keys = shell(path)
        device = devices.setdefault(keys["DEVICE"], Device())
        if keys["BOOTPROTO"].startswith("dhcp"):
            device.add("dhcp4")
        if keys.get("IPV6_AUTOCONF") == "yes" or keys.get("DHCPV6C") == "yes":
            device.add("dynamic6")
        for number in [""] + [str(number) for number in range(1, 20)]:
            if "IPADDR" + number in keys:
                device.add("address", address(keys["IPADDR" + number], keys["NETMASK" + number]))
        for text in [keys.get("IPV6ADDR", "")] + keys.get("IPV6ADDR_SECONDARIES", "").split():
            if text:
                device.add("address", address(text))
        for key, metric in (("GATEWAY", "IPV4_ROUTE_METRIC"), ("IPV6_DEFAULTGW", "IPV6_ROUTE_METRIC")):
            if key in keys:
                route(device, "default", keys[key], keys.get(metric))
        for key, value in keys.items():
            if re.fullmatch(r"DNS\d", key):
                device.add("server", value)
        for domain in keys.get("DOMAIN", "").split():
            device.add("search", domain)
        if "MTU" in keys:
            device.add("mtu", int(keys["MTU"]))
    # Of the guest as a whole.
    whole = devices.setdefault("resolv.conf", Device())
    resolv = root / "etc/resolv.conf"
    for words in (line.split() for line in resolv.read_text().splitlines() if resolv.exists()) if resolv.exists() else []:
        if words and words[0] == "nameserver":
            whole.add("server", words[1])
        elif words and words[0] == "search":
            for domain in words[1:]:
                whole.add("search", domain)
    for path in folder.glob("route-*"):
        keys = shell(path)
        for number in range(100):
            if f"ADDRESS{number}" in keys:
                to = network(keys[f"ADDRESS{number}"], keys[f"NETMASK{number}"])
                route(devices[path.name[len("route-"):]], to, keys[f"GATEWAY{number}"], keys.get(f"METRIC{number}"))
    for path in folder.glob("route6-*"):
        for line in path.read_text().splitlines():
            found = re.match(r"(\S+) via (\S+)(?: metric (\d+))?", line)
            if found:
                route(devices[path.name[len("route6-"):]], found[1], found[2], found[3])
    return devices


def shell(path):
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {key: value.strip('"') for key, value in pairs}


READERS = {"eni": from_eni, "netplan": from_netplan, "networkd": from_networkd, "network-manager": from_network_manager,
           "sysconfig": from_sysconfig}


# ------------------------------------------------------------------------------------------------------------------- comparison

def rendered(renderer, configuration, known):
    """The devices that a renderer configures, by the names that they have in the guest."""
    state = network_state.parse_net_config_data(json.loads(json.dumps(configuration)), skip_broken=False)
    with tempfile.TemporaryDirectory() as target:
        root = pathlib.Path(target)
        RENDERERS[renderer]().render_network_state(state, target=target)
        return READERS[renderer](root, known)


def names(kind, documents):
    """The names that the guest's devices have, by the documents' names: those of cards are the kernel's."""
    found = {name: f"eth{number}" for number, name in enumerate(cards(documents))}
    if kind == "network_data":
        bonds = 0
        for link in documents[kind]["links"]:
            if link["type"] == "bond":
                found[link["id"]] = f"bond{bonds}"
                bonds += 1
        for link in documents[kind]["links"]:
            if link["type"] == "vlan":
                found[link["id"]] = f"{found[link['vlan_link']]}.{link['vlan_id']}"
    else:
        for section in ("bonds", "vlans"):
            found |= {name: name for name in documents[kind].get(section, {})}
    return found


OLD = VERSION == "cloud-init"
WHOLE = ("server", "search")


def noise(kind, renderer, message):
    """Whether a message is about something that no document changes."""
    # 22.4.2 writes netplan's file with other permissions, and with words that netplan has replaced since.
    if OLD and renderer == "netplan" and ("are too open" in message or kind == "network_data" and re.search("gateway[46]|'Default routes'", message)):
        return True
    # resolv.conf(5) has three servers.
    return renderer == "sysconfig" and "exceed the maximum of '3' name servers" in message


def normal(kind, renderer, facts):
    """Facts as a renderer can say them at best."""
    # sysconfig has one metric a family, and takes that of IPv6 for IPv4's if the link's first address is IPv4.
    if not OLD and kind == "network_config" and renderer == "sysconfig":
        return {fact[:3] + (None,) if fact[0] == "route" and fact[1] in ("::/0", "0.0.0.0/0") else fact for fact in facts}
    if not OLD or renderer == "netplan":
        return facts
    # Before 23 only two renderers knew metrics, and then not those of version 2, in which ::/0 became ::/64.
    if kind == "network_config" or renderer in ("network-manager", "sysconfig"):
        facts = {fact[:3] + (None,) if fact[0] == "route" else fact for fact in facts}
    if kind == "network_config":
        facts = {("route", "::/0") + fact[2:] if fact[:2] == ("route", "::/64") else fact for fact in facts}
    return facts


def excused(kind, renderer, fact, device, named):
    """Whether no document could keep a fact from being lost, or from being new, in a renderer."""
    addresses = [other[1] for other in device if other[0] == "address"]
    static6 = any(":" in text for text in addresses)
    data = kind == "network_data"
    # netplan's renderer writes routes for static addresses only.
    if data and renderer == "netplan" and fact[0] == "route" and not addresses:
        return True
    # systemd-networkd heeds router advertisements by default, and starts DHCPv6 if they say so.
    if data and renderer == "networkd" and fact == ("dynamic6",):
        return True
    if fact[0] == "on-link":
        # ifupdown and NetworkManager take every gateway for one on the link; version 2 loses it where it is converted, 22.4.2 everywhere.
        return OLD or renderer in ("eni", "network-manager", "sysconfig") or not data
    if OLD and data:
        # 22.4.2: static IPv6 addresses beside router advertisements, DHCP beside them, and no MTU of bonds.
        if renderer == "network-manager" and (fact == ("dynamic6",) and static6):
            return True
        if renderer == "sysconfig" and fact == ("dhcp4",) and ("dynamic6",) in device and ("dhcp4",) not in device:
            return True
    if OLD and renderer == "network-manager" and fact[0] == "mtu" and not named.startswith("eth"):
        return True
    return False


def lost_server(kind, renderer, fact, wanted):
    """Whether a renderer writes no name servers or domains of a link that has them, whatever the document says."""
    if fact[0] == "server" and renderer == "sysconfig":
        return sum(other[0] == "server" for device in wanted.values() for other in device.facts) > 3
    holders = [device.facts for device in wanted.values() if fact in device.facts]
    static = any(other[0] == "address" for facts in holders for other in facts)
    if not static and fact[0] == "search" and kind == "network_data" and renderer in ("networkd", "sysconfig"):
        return True
    if not static:
        # Where version 2 is converted, its servers belong to static addresses; netplan's renderer writes those of static addresses only,
        # and 22.4.2's for NetworkManager has no others.
        if kind == "network_config":
            return renderer != "netplan"
        return renderer == "netplan" or OLD and renderer == "network-manager"
    if renderer != "network-manager" or fact[0] != "server":
        return False
    # NetworkManager has name servers of the link's families.
    family = ":" in fact[1]
    dynamic = ("dynamic6",) if family else ("dhcp4",)
    return not any(dynamic in facts or any(other[0] == "address" and (":" in other[1]) == family for other in facts) for facts in holders)


def compare(kind, renderer, wanted, devices, documents):
    passed = renderer == "netplan" and kind == "network_config"
    named = {name: name for name in wanted} if passed else names(kind, documents)
    asked = {fact for device in wanted.values() for fact in device.facts if fact[0] in WHOLE}
    given = {fact for device in devices.values() for fact in device.facts if fact[0] in WHOLE}
    for fact in sorted(asked - given):
        if not lost_server(kind, renderer, fact, wanted):
            yield f"lost {fact}"
    for fact in sorted(given - asked):
        yield f"new {fact}"
    for name in wanted:
        link = {fact for fact in wanted[name].facts if fact[0] not in WHOLE}
        found = {fact for fact in devices.get(named[name], Device()).facts if fact[0] not in WHOLE}
        want, have = normal(kind, renderer, link), normal(kind, renderer, found)
        for word, facts in (("lost", want - have), ("new", have - want)):
            for fact in sorted(facts, key=str):
                if not excused(kind, renderer, fact, link, named[name]):
                    yield f"{name}: {word} {fact}"


def configuration_of(kind, document, known):
    document = json.loads(json.dumps(document))  # cloud-init changes what it reads
    return openstack.convert_net_json(document, known_macs=known) if kind == "network_data" else document


def fails(kind, renderer, document):
    """Whether 25.1.4 raises KeyError for what every right document says in this way."""
    if OLD or kind != "network_config":
        return False
    # The cards of a bond are not found if they are matched by MAC address.
    if renderer == "sysconfig":
        return bool(document.get("bonds"))
    # The metric of a default route needs a section of its family, which only the first address or client of the link has made.
    if renderer == "network-manager":
        for link in (link for section in ("ethernets", "bonds", "vlans") for link in document.get(section, {}).values()):
            first = "." if link.get("dhcp4") else ":" if link.get("dhcp6") else (link.get("addresses") or [""])[0]
            for other in link.get("routes", []):
                if "metric" in other and other["to"].endswith("/0") and (":" in other["via"]) != (":" in first):
                    return True
    return False


def faults(documents):
    known = {mac: f"eth{number}" for number, mac in enumerate(cards(documents).values())}
    network_state.get_interfaces_by_mac = lambda: known
    network_state.find_interface_name_from_mac = known.get
    found = []
    for kind, said in (("network_data", said_by_network_data), ("network_config", said_by_network_config)):
        document = documents.get(kind)
        if document is None:
            continue
        wanted = said(document)
        for renderer in RENDERERS:
            if fails(kind, renderer, document):
                continue
            del LOG.messages[:]
            try:
                devices = rendered(renderer, configuration_of(kind, document, known), known)
            except Exception as error:  # whatever it is, a guest would be without its network
                found.append(f"{kind}, {renderer}: {type(error).__name__}: {error}")
                continue
            problems = [message for message in LOG.messages if not noise(kind, renderer, message)]
            problems += compare(kind, renderer, wanted, devices, documents)
            found += [f"{kind}, {renderer}: {problem}" for problem in problems]
    return found


def main():
    for line in sys.stdin:
        print(json.dumps(faults(json.loads(line))), flush=True)


main()
