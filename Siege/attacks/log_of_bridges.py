"""An operator starts five enabled domains with 256 interfaces each, every one on a bridge that does not exist, and changes one of them often.

Gained: a log without room for others, if each missing bridge has a line, or has one again at each look at the host. In the way: one line is about
all bridges that are newly missing, and a full memory of what is logged suppresses what is new.
"""

import time

from attack import Outcome
from attacks import log_of_domains
from host import Host

DOMAINS, CARDS = 5, 256
# Some for each start and each change, and none for each bridge.
MOST = 100


def _loud(number: int) -> str:
    cards = "".join(
        f"<interface type='bridge'><mac address='52:54:00:1{number:x}:00:{card:02x}'/><source bridge='a{number}-{card}'/></interface>"
        for card in range(CARDS))
    return (f"<domain type='test'><name>loud-{number}</name><uuid>7b1c4a5e-0000-4000-8000-0000000b{number:04x}</uuid><memory>8192</memory>"
            "<vcpu>1</vcpu><os><type>hvm</type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'/></metadata>"
            f"<devices>{cards}</devices></domain>")


class Attack(log_of_domains.Attack):
    """The server selects bridges by enabled domains, as by default."""

    no_proof = "no option changes what is logged; the lines about missing bridges, which must be there, show that they are looked for"

    def prepare(self, host: Host) -> None:
        """A server without --bridge."""
        host.server.end()
        self._bridges, host.server.bridges = host.server.bridges, ()
        host.server.spawn()
        time.sleep(4)
        host.server.bridges = self._bridges
        host.server.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts them, waits, and changes one."""
        before = host.server.output.count("\n")
        host.hypervisor.start(*(_loud(number) for number in range(DOMAINS)))
        # The host is looked at every ten seconds.
        time.sleep(12)
        for _ in range(20):
            host.hypervisor.virsh("suspend loud-0; resume loud-0")
            time.sleep(0.1)
        time.sleep(1)
        outcome.host_report["lines"] = host.server.output.count("\n") - before
        outcome.host_report["missing"] = sum("bridges do not exist" in line for line in host.server.output.splitlines())

    def gained(self, outcome: Outcome) -> str | None:
        """A line for each bridge."""
        found = outcome.host_report
        if found["lines"] > MOST:
            return f"{found['lines']} lines of the log"
        return None if found["missing"] else "no line says that bridges are missing"

    def restore(self, host: Host) -> None:
        """Ends them."""
        host.hypervisor.stop(*(f"loud-{number}" for number in range(DOMAINS)))
