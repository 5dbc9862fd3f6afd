"""An operator defines a domain that names the bridge's uplink as its tap.

libvirt's test driver lets it start, and so would a host whose domains are defined carelessly. Gained: an uplink that is taken for a guest's
port, so that a machine on the LAN reaches the server, and hears of the metadata addresses. In the way: only a link of a kind that libvirt
makes for a domain can be one's tap.
"""

import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import intruder
from field import METADATA, Field, ask
from host import Host


class Attack(attack.Attack):
    """The LAN's machine asks while the uplink is claimed, by an interface of a bridge and by one of type `ethernet`."""

    families = (4,)
    hosts = ("auto",)
    no_proof = "no option lets a domain claim an uplink; one that is a veth is a guest's port once it is claimed"

    def prepare(self, host: Host) -> None:
        """Makes the uplink a link of another kind than guests' cables are, as uplinks are."""
        space.ip(f"""link set {host.lan.tap} nomaster down
            link set {host.lan.tap} name wire0
            link set wire0 up
            link add link wire0 name {host.lan.tap} type macvlan mode passthru
            link set {host.lan.tap} master br0 up""")
        space.ip("route replace 169.254.169.254/32 dev eth0", host.lan.name)
        host.wait_until_served(host.forger)
        time.sleep(1)

    def attack(self, field: Field) -> None:
        """Nothing: the XML is the attack."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Claims it, and asks as the LAN's machine."""
        mac, uplink = "<mac address='52:54:00:00:09:01'/>", f"<target dev='{host.lan.tap}'"
        for kind, interface in (
                ("bridge", f"<interface type='bridge'>{mac}<source bridge='br0'/>{uplink}/></interface>"),
                ("ethernet", f"<interface type='ethernet'>{mac}{uplink} managed='no'/></interface>")):
            host.hypervisor.start(intruder(interface))
            time.sleep(1.5)
            space.ip("neighbour flush all", host.lan.name)
            with space.inside(host.lan.name):
                outcome.host_report[kind] = ask(METADATA[4], "/", seconds=3)[0]
            host.hypervisor.stop("intruder")

    def gained(self, outcome: Outcome) -> str | None:
        """An answer."""
        answered = [f"{kind}: {status}" for kind, status in outcome.host_report.items() if status]
        return f"the LAN's machine was answered ({', '.join(answered)})" if answered else None

    def restore(self, host: Host) -> None:
        """The uplink as it was."""
        if "intruder" in host.hypervisor.names():
            host.hypervisor.stop("intruder")
        space.ip(f"""link delete {host.lan.tap}
            link set wire0 down
            link set wire0 name {host.lan.tap}
            link set {host.lan.tap} master br0 up""")
        space.ip("route delete 169.254.169.254/32 dev eth0", host.lan.name)
        host.heal()
        host.wait_until_served(host.forger)
