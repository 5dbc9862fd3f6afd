"""A guest: a network namespace at the end of a cable, and the domain that it is."""

import subprocess
import uuid
from dataclasses import dataclass, field

import space
import wire

# How a guest's cable is made: as two ends of a veth, or as a tap with a process behind it, as QEMU has it.
VETH, TAP = "veth", "tap"
RELAY = ""  # where relay.c was built; the stage says


@dataclass
class Guest:
    """What a guest has. Its number makes its addresses."""

    name: str
    number: int
    tap: str
    bridge: str = "br0"
    cable: str = VETH
    is_domain: bool = True
    network: int = 2
    # Whether others can open its tap beside it.
    has_queues: bool = False
    _relay: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def mac(self) -> str:
        """Its card's hardware address."""
        return f"52:54:00:00:{self.network:02x}:{self.number:02x}"

    @property
    def link(self) -> bytes:
        """The bytes of its hardware address."""
        return wire.mac(self.mac)

    @property
    def ip4(self) -> str:
        """Its IPv4 address."""
        return f"192.0.{self.network}.{self.number}"

    @property
    def ip6(self) -> str:
        """Its IPv6 address."""
        return f"2001:db8:{self.network}::{self.number:x}"

    @property
    def local6(self) -> str:
        """The link-local address that is made of its hardware address."""
        return f"fe80::5054:ff:fe00:{self.network << 8 | self.number:x}"

    def address(self, family: int) -> str:
        """Its address of one family."""
        return self.ip4 if family == 4 else self.ip6

    @property
    def body(self) -> str:
        """Its user data, which is nobody else's."""
        return f"USER-DATA-OF-{self.name}"

    @property
    def uuid(self) -> str:
        """Its domain's identity."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.name))

    def create(self) -> None:
        """Makes the namespace."""
        space.ip(f"netns add {self.name}")
        space.ip("link set lo up", self.name)

    def plug(self, device: str = "eth0") -> None:
        """Makes the cable and puts it into the bridge; a second time, after `unplug`, it is another interface of the same name."""
        if self.cable == VETH:
            space.ip(f"link add {self.tap} type veth peer name {device} netns {self.name}")
        else:
            self.open(device)
        space.setting(f"net.ipv6.conf.{device}.accept_dad", 0, self.name)
        space.ip(f"""link set {device} address {self.mac}
            link set {device} up
            address add {self.ip4}/24 dev {device}
            address add {self.ip6}/64 dev {device} nodad""", self.name)
        space.ip(f"link set {self.tap} master {self.bridge} up")

    def open(self, device: str = "eth0") -> None:
        """Opens the taps at both ends: those that stay are as they were when they were last open."""
        self._relay = subprocess.Popen(
            [RELAY, self.tap, f"/run/netns/{self.name}", device, *(["queue"] if self.has_queues else [])], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self._relay.stdout.readline() != b"ready\n":
            raise space.Failure(f"{self.name}: the relay of {self.tap} did not start")

    def route(self, by4: str, by6: str) -> None:
        """Sends what is for elsewhere by these gateways."""
        space.ip(f"route replace default via {by4}\nroute replace default via {by6}", self.name)

    def unplug(self) -> None:
        """Takes the cable away, with both its devices."""
        if self._relay:
            self._relay.kill()
            self._relay.wait()
            self._relay = None
        else:
            space.ip(f"link delete {self.tap}")

    def interface(self, *, mac: str = "", bridge: str = "", tap: str = "") -> str:
        """The XML of its card."""
        return (f"<interface type='bridge'><mac address='{mac or self.mac}'/><source bridge='{bridge or self.bridge}'/>"
                f"<target dev='{tap or self.tap}'/></interface>")

    def xml(self, extra: str = "", *, body: str = "", imds: str = "", devices: str | None = None) -> str:
        """The XML of its domain, with more devices, or others."""
        devices = self.interface() if devices is None else devices
        return f"""<domain type='test'><name>{self.name}</name><uuid>{self.uuid}</uuid><memory>8192</memory><vcpu>1</vcpu>
            <os><type>hvm</type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'>{imds}<userdata>{body or self.body}</userdata>
            </instance></metadata><devices>{devices}{extra}</devices></domain>"""
