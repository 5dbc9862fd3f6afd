"""A guest sends nothing but SYNs, from as many addresses as there are, as fast as it can.

From hardware addresses and addresses that are nobody's, so that the host has to ask for each, and none is ever finished. Gained: a queue
that is full, SYN cookies, a neighbour table without room. In the way: a tap may begin so many connections a second, whatever they bear
(counter `rate_limited`), and has a queue of its own.
"""

import attack
import wire
from attack import Outcome
from field import Field
from puppets import invented


class Attack(attack.Attack):
    """A flood."""

    hosts = ("address", "redirect", "bridge", "auto")
    rest = 2.2
    proofs = (("address", 4), ("address", 6))
    weak_options = ("--connections-per-second", "1000000")

    def attack(self, field: Field) -> None:
        """Sends; the SYN-ACKs that come are counted."""
        card, number, answered = wire.Wire(), 0, 0
        frames = []
        for number in range(4000):
            link, address = invented(number, field.family)
            frames.append(wire.packet(field.bridge, link, (address, field.metadata), wire.tcp(
                address, field.metadata, (20000 + number % 40000, 80), wire.SYN, number * 7, 0, b"", b"\x02\x04\x05\xb4")))
        field.ready()
        sent = 0
        while field.goes_on():
            card.send(*frames[sent % len(frames):][:50])
            sent += 50
            answered += sum(segment.flags & (wire.SYN | wire.ACK) == wire.SYN | wire.ACK for segment in card.segments(0.001))
        field.report |= {"sent": sent, "answered": answered}

    def gained(self, outcome: Outcome) -> str | None:
        """A kernel that took what it had to drop, or victims that wait."""
        if outcome.host.server.options == self.weak_options:
            dropped = outcome.counters.get("rate_limited", 0)
            return None if dropped else f"none of {outcome.forger['sent']} SYNs was dropped"
        dropped = outcome.counters.get("rate_limited", outcome.counters.get("hurried", 0))
        if dropped < outcome.forger["sent"] // 2:
            return f"of {outcome.forger['sent']} SYNs only {dropped} were dropped"
        return None
