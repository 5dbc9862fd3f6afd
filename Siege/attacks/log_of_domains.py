"""An operator starts and ends domains with mistakes, each with another UUID.

What is logged about a domain has a limit, and a new UUID is a new domain. Gained: a log that grows as fast as libvirt starts domains, and whose
lines about others are dropped by journald. In the way: a limit for all domains together.
"""

import time

import attack
from attack import Outcome
from field import Field
from host import Host

DOMAINS, VALUES = 500, 60
# A thousand in a row, one a second while the attack goes on, and what says that there are more.
MOST = 1_200


def _bad(number: int) -> str:
    tags = "".join(f"<tag name='n{value}' wrong='1'>v</tag>" for value in range(VALUES))
    return (f"<domain type='test'><name>bad-{number}</name><uuid>7b1c4a5e-0000-4000-8000-0000000f{number:04x}</uuid><memory>8192</memory>"
            "<vcpu>1</vcpu><os><type>hvm</type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'>"
            f"<tags>{tags}</tags></instance></metadata></domain>")


class Attack(attack.Attack):
    """500 domains, 25 at a time."""

    families = (4,)
    hosts = ("address",)
    has_victims = False
    no_proof = "no option changes what is logged; the lines about the domains, which must be there, show that they are read"

    def attack(self, field: Field) -> None:
        """Nothing: the domains are the attack."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts and ends them."""
        before = host.server.output.count("\n")
        for begin in range(0, DOMAINS, 25):
            host.hypervisor.start(*(_bad(number) for number in range(begin, begin + 25)))
            time.sleep(0.3)
            host.hypervisor.stop(*(f"bad-{number}" for number in range(begin, begin + 25)))
        time.sleep(1)
        outcome.host_report["lines"] = host.server.output.count("\n") - before
        outcome.host_report["said"] = sum("many domains or networks have unusable values" in line for line in host.server.output.splitlines())

    def gained(self, outcome: Outcome) -> str | None:
        """More lines than a person reads."""
        found = outcome.host_report
        if found["lines"] > MOST:
            return f"{found['lines']} lines of the log"
        return None if found["said"] else f"{found['lines']} lines, and none says that there are more"
