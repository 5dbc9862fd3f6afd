"""Whoever may define a domain names its tap so that no rule of nftables can contain the name: with a backslash, a quotation mark, an asterisk.

Such a port has no rules. Gained: a guest that can do all that the guard keeps from others, such as to send in the name of the metadata address. In
the way: the server sets such a port down (`PortsPlan`).
"""

import time

import attack
import space
import wire
from attack import Outcome
from field import Field
from host import Host

NAME, MARK = "tap\\a", b"FORGED-BY-A-NAME"


class Attack(attack.Attack):
    """The forger, behind a port of such a name."""

    hosts = ("address", "redirect")
    families = (4,)
    spies = ("tap-1",)
    weak_options = ("--no-guard",)
    proofs = (("address", 4), ("redirect", 4))

    def prepare(self, host: Host) -> None:
        """Gives the port its name."""
        rename(host.forger.tap, NAME)
        time.sleep(1.5)

    def attack(self, field: Field) -> None:
        """Sends to victim-1 in the name of the metadata address, and listens at its tap."""
        card, sent, seen = wire.Wire(), 0, 0
        victim = field.victims[0]
        frame = wire.ethernet(victim.link, field.me.link, wire.IPV4, wire.ipv4(field.metadata, field.own(victim), b"\0\x50\0\x50\0\x18\0\0" + MARK, 17))
        field.ready()
        while field.goes_on():
            card.send(frame)
            sent += 1
            seen += sum(MARK in heard for heard in field.spies[0].received(0.05))
        field.report |= {"sent": sent, "seen": seen}

    def gained(self, outcome: Outcome) -> str | None:
        """Frames that arrived."""
        if seen := outcome.forger["seen"]:
            return f"{seen} frames in the name of the metadata address reached victim-1"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Gives the port its usual name."""
        rename(NAME, host.forger.tap)
        host.heal()


def rename(old: str, new: str) -> None:
    """Renames a link, and sets it up."""
    space.call("ip", "link", "set", old, "down")
    space.call("ip", "link", "set", old, "name", new)
    space.call("ip", "link", "set", new, "up")
