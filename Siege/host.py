"""A host with guests on a bridge, in namespaces of its own: what an attack plays on."""

import glob
import os
import time
from typing import NamedTuple

import field
import guest
import space
from field import BRIDGE_MACS, METADATA
from guest import TAP, VETH, Guest
from hypervisor import Hypervisor
from server import Server

CLOUD_CREDENTIALS = "CREDENTIALS-OF-THE-HOST"
# Victims; every second one's cable is a tap.
VICTIMS = 6


class Kind(NamedTuple):
    """What makes hosts differ."""

    intercept: str
    cable: str = VETH  # the attacker's
    bridge: str = ""  # options of the bridge
    has_uplink: bool = False
    is_cloud: bool = False  # the host is a cloud instance itself


KINDS = {
    "address": Kind("address"),
    "redirect": Kind("redirect", cable=TAP),
    "bridge": Kind("bridge"),
    "auto": Kind("auto", cable=TAP, has_uplink=True),
    "stp": Kind("address", bridge="stp_state 1 forward_delay 0 max_age 600 hello_time 100"),
    "cloud": Kind("auto", cable=TAP, is_cloud=True),
}


class Host:
    """The bridges, the guests, libvirtd and the server. The process stands in the host's namespaces."""

    def __init__(self, name: str, program: str, place: str, log: str):
        """Builds all but the running server."""
        self.name, self.kind, self.place = name, KINDS[name], place
        os.makedirs(place, exist_ok=True)
        self.forger = Guest("forger", 11, "tap-a", cable=self.kind.cable)
        self.victims = [Guest(f"victim-{number}", 20 + number, f"tap-{number}", cable=(VETH, TAP)[number % 2])
                        for number in range(1, VICTIMS + 1)]
        self.neighbour = Guest("neighbour", 30, "tap-o", bridge="br1", network=3)
        # A tap whose domain nobody knows.
        self.stranger = Guest("stranger", 40, "tap-s", cable=TAP, is_domain=False)
        self.lan = Guest("lan", 254, "up0", is_domain=False)
        self._bridges()
        for one in self.guests:
            one.create()
            one.plug()
        self.heal()
        if self.kind.is_cloud:
            self._cloud()
        self._wait_for_ports()
        self.hypervisor = Hypervisor(place)
        self.hypervisor.start(*(one.xml() for one in self.guests if one.is_domain))
        self.server = Server(program, place, ("br0", "br1"), self.hypervisor.uri, log)
        self.server.intercept = self.kind.intercept

    @property
    def guests(self) -> list[Guest]:
        """Every machine on the bridges."""
        # The victims' interfaces have lower numbers than the attacker's.
        return [*self.victims, self.forger, self.neighbour, self.stranger, *([self.lan] if self.kind.has_uplink else [])]

    def gateway(self, family: int) -> str:
        """The router of br0."""
        if self.kind.has_uplink:
            return self.lan.address(family)
        return {4: "192.0.2.1", 6: "2001:db8:2::1"}[family]

    @property
    def gateway_mac(self) -> str:
        """The hardware address of the router of br0."""
        return self.lan.mac if self.kind.has_uplink else BRIDGE_MACS["br0"]

    def _bridges(self) -> None:
        for name in glob.glob("/proc/sys/net/bridge/bridge-nf-call-*tables"):
            space.setting(name.removeprefix("/proc/sys/").replace("/", "."), 0)
        space.setting("net.ipv4.ip_forward", 1)
        space.ip("link set lo up")
        for name, mac, network in (("br0", BRIDGE_MACS["br0"], 2), ("br1", BRIDGE_MACS["br1"], 3)):
            options = self.kind.bridge if name == "br0" else ""
            space.ip(f"link add {name} address {mac} type bridge {options or 'forward_delay 0'}")
            space.setting(f"net.ipv6.conf.{name}.accept_dad", 0)
            space.ip(f"""link set {name} up
                address add 192.0.{network}.1/24 dev {name}
                address add 2001:db8:{network}::1/64 dev {name} nodad""")

    def plug(self, one: Guest) -> None:
        """Plugs a guest in, and gives it its routes."""
        one.plug()
        one.route(self.gateway(4), self.gateway(6))

    def heal(self) -> None:
        """Gives every guest its routes and forgets what an attack has taught anybody."""
        for one in self.guests:
            if one is self.neighbour:
                one.route("192.0.3.1", "2001:db8:3::1")
            elif one is self.lan:
                one.route("192.0.2.1", "2001:db8:2::1")
            else:
                one.route(self.gateway(4), self.gateway(6))
            space.ip("neighbour flush all", one.name)
        space.ip("neighbour flush all")

    def _cloud(self) -> None:
        """Makes the host an instance of a cloud: 169.254.169.254 is there, beyond another interface, and the host routes without NAT."""
        space.ip("netns add cloud\nlink add wan type veth peer name eth0 netns cloud\naddress add 203.0.113.2/24 dev wan\nlink set wan up"
                 "\naddress add 2001:db8:ff::2/64 dev wan nodad")
        space.ip("""link set lo up
            link set eth0 up
            address add 203.0.113.1/24 dev eth0
            address add 169.254.169.254/32 dev eth0
            route add default via 203.0.113.2
            address add 2001:db8:ff::1/64 dev eth0 nodad
            address add fd00:ec2::254/128 dev eth0 nodad
            route add default via 2001:db8:ff::2""", "cloud")
        space.ip("route add 169.254.169.254 via 203.0.113.1\nroute add fd00:ec2::254 via 2001:db8:ff::1")
        space.setting("net.ipv6.conf.all.forwarding", 1)

    def _wait_for_ports(self) -> None:
        """Where the bridge talks to its neighbours, ports forward only after a while."""
        def forward() -> bool:
            lines = space.call("bridge", "link", "show").splitlines()
            return all(any(f" {one.tap}" in line and "forwarding" in line for line in lines) for one in self.guests)

        space.wait_until(forward, "every port forwards", 60)

    def forget_rules(self) -> None:
        """Removes what an ended server has left in the kernel, and what a counter-proof has done to it."""
        for line in space.call("nft", "list", "tables").splitlines():
            if line.split()[-1].startswith("virt_metadata"):
                space.call("nft", "delete", line)

    def redefine(self, one: Guest, document: str, body: str = "") -> None:
        """Starts a guest's domain anew as other XML has it, and waits until the server knows."""
        self.hypervisor.stop(one.name)
        self.hypervisor.start(document)
        self.wait_until_served(one, body or one.body)

    def wait_until_served(self, one: Guest, body: str = "", seconds: float = 15) -> None:
        """Waits until a guest reads its user data."""
        def reads() -> bool:
            with space.inside(one.name):
                return field.ask(METADATA[4], seconds=3) == (200, (body or one.body).encode())

        space.wait_until(reads, f"{one.name} reads its user data", seconds)

    def settle(self, seconds: float) -> None:
        """Lets limits that were reached fill again."""
        time.sleep(seconds)


def use_relay(path: str) -> None:
    """Says where relay.c was built."""
    guest.RELAY = path
