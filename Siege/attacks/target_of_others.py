"""An operator names a neighbour's tap as the device of an interface that is no tap at all.

libvirt keeps `<target dev>` of `type='user'` as it is written. Gained: the neighbour's port, and a neighbour without metadata. In the
way: only interfaces that make a tap claim one, and only on the bridge whose port it is.
"""

import attack
import space
from attack import Outcome
from field import METADATA, Field, ask
from host import Host

UUID = "7b1c4a5e-0000-4000-8000-000000000009"


def intruder(interfaces: str) -> str:
    """A domain with these interfaces."""
    return (f"<domain type='test'><name>intruder</name><uuid>{UUID}</uuid><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
            "<metadata><instance xmlns='urn:virt-metadata:instance:1'><userdata>USER-DATA-OF-intruder</userdata></instance></metadata>"
            f"<devices>{interfaces}</devices></domain>")


class Attack(attack.Attack):
    """A domain that names victim-1's tap, and victim-2's as if it were on the other bridge."""

    families = (4,)
    hosts = ("address", "redirect")
    no_proof = "no option lets such an interface claim a tap"

    def prepare(self, host: Host) -> None:
        """Starts it: the domain that starts last would have the tap."""
        first, second = host.victims[:2]
        host.hypervisor.start(intruder(
            f"<interface type='user'><mac address='52:54:00:00:09:01'/><target dev='{first.tap}'/></interface>"
            f"<interface type='bridge'><mac address='52:54:00:00:09:02'/><source bridge='br1'/><target dev='{second.tap}'/></interface>"
            # A link that is no bridge at all.
            "<interface type='bridge'><mac address='52:54:00:00:09:03'/><source bridge='lo'/></interface>"))
        host.wait_until_served(host.forger)

    def attack(self, field: Field) -> None:
        """Nothing more: the XML is the attack. The forger asks as ever, and must be answered."""
        field.ready()
        statuses = set()
        while field.goes_on():
            statuses.add(ask(METADATA[field.family])[0])
        field.report["statuses"] = sorted(statuses)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at the host's own link."""
        outcome.host_report["lo"] = space.call("ip", "address", "show", "dev", "lo")

    def gained(self, outcome: Outcome) -> str | None:
        """A victim that is not served as itself, or a link of the host's that is."""
        if "169.254.169.254" in outcome.host_report["lo"]:
            return "the host's loopback has the metadata address"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Ends the domain."""
        host.hypervisor.stop("intruder")
