"""A neighbour tells a victim that the metadata address cannot be reached.

It hears the victim's SYN, and repeats it in an error of ICMP: the network, the port or the protocol is not there, or the packet was too large
for a router. Whoever waits for the first answer gives up at such an error, whoever it is from. So does a machine on the LAN. Gained: a
victim whose connection ends before it is made, most of all while the server starts again and the victim tries once more. In the way: no true
error is about a packet for a metadata address, for the host drops what it does not take; those that are, whole or in fragments, are dropped
where they enter the bridge, and where they are forwarded to it (chains `guard_errors`, `guard_discovery_…`).
"""

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import errors
from field import METADATA, Field
from host import Host

TRIES = 3
# A victim hears nothing of its server for a while.
DEAF = "add table inet deaf; add chain inet deaf in { type filter hook input priority 0; tcp sport 80 drop; }"
KINDS = {4: [(3, code) for code in (0, 1, 2, 3, 4, 13)], 6: [(1, code) for code in (0, 1, 3, 4)] + [(2, 0), (3, 0), (4, 1), (100, 0), (127, 0)]}


class Attack(attack.Attack):
    """The forger, or the LAN, hears victim-6, which hears nobody else."""

    hosts = ("address", "redirect", "bridge", "auto")
    attackers = ("forger", "lan")
    spies = ("tap-6",)
    victims = slice(0, -1)
    proofs = (("address", 4), ("address", 6))
    deaf = DEAF

    def dressed(self, link: tuple[bytes, bytes], pair: tuple[bytes, bytes], body: bytes, number: int) -> list[bytes]:
        """An error in each dress."""
        return [errors.frame(link, pair, body), *errors.fragments(link, pair, body, 8, number)]

    def overheard(self, field: Field, card: wire.Wire) -> Iterator[bytes]:
        """The begin of each SYN of the victim's, which an error about it repeats."""
        own = field.own(field.victims[-1])
        while field.goes_on():
            for segment in field.spies[0].segments(0.05):
                if segment.source == own and segment.destination == field.metadata and segment.flags & wire.SYN:
                    yield struct.pack("!HHI", *segment.ports, segment.sequence) + bytes(12)
            for _ in card.received(0):
                pass

    def attack(self, field: Field) -> None:
        """Every kind of error about each SYN, in each dress, in its own name and in others'."""
        card, victim, sent = wire.Wire(), field.victims[-1], 0
        own = field.own(victim)
        router = wire.ip({4: "192.0.2.1", 6: "2001:db8:2::1"}[field.family])
        field.ready()
        for begin in self.overheard(field, card):
            for kind in KINDS[field.family]:
                for source in (field.own(), router, field.gateway, field.metadata):
                    pair = (source, own)
                    body = errors.message(kind, pair, errors.about((own, field.metadata), begin), 68)
                    # To the victim, and to the host, which forwards.
                    for link in ((victim.link, field.me.link), (field.bridge, field.me.link)):
                        card.send(*self.dressed(link, pair, body, sent))
                    sent += 1
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Connects as victim-6, which hears of its server late."""
        name, found = host.victims[-1].name, []
        for _ in range(TRIES):
            space.call("ip", "netns", "exec", name, "nft", self.deaf)
            with space.inside(name):
                waiting = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}[outcome.family])
            waiting.setblocking(False)
            waiting.connect_ex((METADATA[outcome.family], 80))
            time.sleep(0.4)
            space.call("ip", "netns", "exec", name, "nft", "delete table inet deaf")
            # The SYN is sent again after a second.
            is_settled = bool(select.select([], [waiting], [], 5)[1])
            found.append(waiting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if is_settled else errno.ETIMEDOUT)
            waiting.close()
        outcome.host_report["errors"] = found

    def gained(self, outcome: Outcome) -> str | None:
        """Connections that were given up."""
        for name, report in outcome.reports.items():
            if report["sent"] < TRIES:
                raise space.Failure(f"{name} sent only {report['sent']} errors: the attack does not work")
        given_up = [os.strerror(number) for number in outcome.host_report["errors"] if number]
        if given_up:
            return f"victim-6 gave up {len(given_up)} of {TRIES} connections: {given_up[0]}"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets every error through."""
        rules.remove(r"@th,(192,32|256,128) |frag", "netdev", "guard_errors|uplink_errors|guard_discovery_.*")
        rules.remove(r".", "inet", "forwarded_errors")
