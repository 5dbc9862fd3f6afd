"""A guest of a host that is a cloud instance asks for the host's own credentials while our server does not run.

The host routes, and reaches 169.254.169.254 at its cloud. The server ends by SIGTERM, is killed, and is started again where there is no
libvirt; the guest sends what begins a connection, whole, in fragments of every cut, behind headers, and tagged. Gained: the role that the
host has in its cloud. In the way: the bridges stay closed when the server is gone (`--leave-open` opens them), to every such frame.
"""

import time

import attack
import wire
from attack import Outcome
from attacks.lib import cloud
from attacks.syn_kinds import Sender, kinds
from field import METADATA, Field, ask
from host import Host


class Attack(attack.Attack):
    """The guest never ceases to ask."""

    hosts = ("cloud",)
    has_victims = False
    proofs = (("cloud", 4), ("cloud", 6))
    is_open = False

    def attack(self, field: Field) -> None:
        """Sends every kind of SYN, and asks as a client does."""
        card, sender, port = wire.Wire(), Sender(field), 20000
        field.ready()
        makers, statuses = list(kinds(sender).values()), set()
        while field.goes_on():
            for make in makers:
                port = 20000 + (port + 1) % 40000
                card.send(*make(port))
                for _ in card.received(0.002):
                    pass
            statuses.add(ask(METADATA[field.family], seconds=0.2)[0])
        field.report["statuses"] = sorted(statuses)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Ends the server in each way, and looks at the cloud meanwhile."""
        sniffer, seen = cloud.Sniffer(), {}
        seen["while it serves"] = sniffer.count(host, 0.7)
        host.server.end()
        if self.is_open:
            host.forget_rules()
        seen["after SIGTERM"] = sniffer.count(host, 0.7)
        host.server.start(*host.server.options)
        seen["while it starts"] = sniffer.count(host, 0.3)
        host.server.end(9)
        if self.is_open:
            host.forget_rules()
        seen["after SIGKILL"] = sniffer.count(host, 0.7)
        host.server.spawn(uri="test+unix:///default?socket=/run/siege/no-libvirt")
        seen["with a successor without libvirt"] = sniffer.count(host, 1.5)
        host.server.end()
        seen["after that one's end"] = sniffer.count(host, 0.5)
        outcome.host_report["seen"] = seen

    def gained(self, outcome: Outcome) -> str | None:
        """What reached the cloud."""
        reached = {when: count for when, count in outcome.host_report["seen"].items() if count}
        return f"packets for the host's cloud: {reached}" if reached else None

    def weaken(self, host: Host) -> None:
        """Opens the bridges, as `--leave-open` does."""
        self.is_open = True

    def restore(self, host: Host) -> None:
        """Serves again."""
        self.is_open = False
        if host.server.is_running():
            host.server.end()
        host.forget_rules()
        time.sleep(0.1)
        host.server.start(*host.server.options)
