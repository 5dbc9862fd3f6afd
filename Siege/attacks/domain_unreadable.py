"""An operator's domain takes a tap's name, becomes larger than a message of libvirt, and is stopped.

A domain that cannot be read keeps its last known metadata, and a stopped one has a definition that cannot be read either. Gained: a
neighbour, started later with a tap of that name, that nobody serves: the port has two claimants, of which one does not run. In the way: a
domain that does not run claims nothing, whatever its definition is like.
"""

import subprocess
import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import intruder
from field import METADATA, Field, ask
from host import Host


class Attack(attack.Attack):
    """The intruder has victim-1's tap while victim-1 is off."""

    families = (4,)
    hosts = ("address",)
    victims = slice(1, None)
    rate = 50
    no_proof = "no option has a stopped domain claim a tap; that its definition cannot be read shows that the attack is made"

    def attack(self, field: Field) -> None:
        """Nothing: the operator attacks."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Claims the tap, and stops."""
        first, report, virsh = host.victims[0], outcome.host_report, host.hypervisor.virsh
        host.hypervisor.stop(first.name)
        first.unplug()
        with open("/run/siege/intruder.xml", "w", encoding="utf-8") as file:
            file.write(intruder(first.interface(mac="52:54:00:00:09:01")))
        virsh("define", "/run/siege/intruder.xml")
        virsh("start", "intruder")
        # Each '>' is four bytes in what libvirt prints.
        swelling = "<x>" + ">" * 1_200_000 + "</x>"
        for side in ("--live", "--config"):
            subprocess.run(["virsh", "--quiet", "--connect", host.hypervisor.uri], check=True, text=True, capture_output=True,
                           input=f"metadata intruder urn:example:large --key large {side} --set '{swelling}'\n")
        space.wait_until(lambda: "cannot read a domain" in host.server.output, "the domain cannot be read")
        virsh("destroy", "intruder")
        try:
            virsh("dumpxml", "intruder")
            report["definition"] = "can be read"
        except space.Failure:
            report["definition"] = "cannot be read"
        first.plug()
        host.heal()
        host.hypervisor.start(first.xml())
        end, report["status"] = time.monotonic() + 15, None
        with space.inside(first.name):
            while report["status"] != 200 and time.monotonic() < end:
                report["status"] = ask(METADATA[4], seconds=3)[0]

    def gained(self, outcome: Outcome) -> str | None:
        """A victim that is not served."""
        report = outcome.host_report
        if report["definition"] != "cannot be read":
            return "the attack did not work: the stopped domain's definition can be read"
        return None if report["status"] == 200 else f"victim-1 gets {report['status']}"

    def restore(self, host: Host) -> None:
        """Removes the domain."""
        host.hypervisor.virsh("undefine", "intruder")
        host.wait_until_served(host.victims[0], seconds=30)
