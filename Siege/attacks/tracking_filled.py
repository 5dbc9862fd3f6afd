"""A guest fills the table in which the host keeps track of connections.

A firewall of the host tracks every connection, and lets nobody in for whom there is no room. The guest begins connections to the metadata
address with other addresses and ports each time, and sends what looks like the middle of others. Gained: entries without end. In the way:
what comes to our sockets is not tracked (`notrack`).
"""

import random
import struct

import attack
import rules
import space
import wire
from attack import Outcome
from field import Field
from host import Host

# Entries that honest guests' own connections may have, and what an attack makes in a moment.
MOST = 300


def _entries() -> int:
    with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
        return int(file.read())


class Attack(attack.Attack):
    """SYNs and the middles of connections, of invented addresses."""

    proofs = (("address", 4), ("address", 6))

    def prepare(self, host: Host) -> None:
        """The host tracks connections."""
        rules.add_foreign("tracking", "chain input { type filter hook input priority 0; ct state established,related accept; }")

    def attack(self, field: Field) -> None:
        """Two thousand packets a second."""
        card, sent = wire.Wire(), 0
        network = field.own()
        field.ready()
        while field.goes_on():
            for _ in range(40):
                source = network[:-1] + bytes([random.randrange(2, 250)])
                pair, ports = (source, field.metadata), (random.randrange(1024, 65536), 80)
                for flags in (wire.SYN, wire.ACK, wire.ACK | wire.PSH):
                    number, = struct.unpack("I", random.randbytes(4))
                    card.send(wire.packet(field.bridge, field.me.link, pair, wire.tcp(*pair, ports, flags, number, number)))
                    sent += 1
            for _ in card.received(0.02):
                pass
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Counts the entries."""
        before = _entries()
        host.settle(2)
        outcome.host_report["entries"] = _entries() - before

    def gained(self, outcome: Outcome) -> str | None:
        """Entries that stay."""
        entries = outcome.host_report["entries"]
        return f"{entries} entries more in the table of connections" if entries > MOST else None

    def weaken(self, host: Host) -> None:
        """Has everything tracked."""
        found = [rule for rule in rules.listed() if rule.family == "inet" and "notrack" in rule.text]
        if not found:
            raise space.Failure("no rule says notrack: has the counter-proof grown old?")
        for rule in found:
            rules.replace(rule, rule.text.replace(" notrack", ""))

    def restore(self, host: Host) -> None:
        """Nothing is tracked any more."""
        space.call("nft", "delete", "table", "inet", "tracking")
