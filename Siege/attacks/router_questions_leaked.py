"""A guest has the host ask beyond an isolated uplink in the name of a metadata address.

It sends requests from addresses that are nobody's. The host looks for each before it replies, and by default asks in the name of the address
that it replies from: who hears it on the LAN learns that this address is here. Gained: another host on the LAN, with metadata of its own, that
sends to this one. In the way: rules change the name in such questions where they leave (chains `uplink_out_…`). They must not be lost:
victim-1, whose address is behind a router beyond the uplink, is served meanwhile.
"""

import time

import attack
import field as fields
import rules
import space
import wire
from attack import Outcome
from attacks.lib import elsewhere
from field import METADATA, Field
from host import Host

OURS = {wire.ip(text) for text in (*METADATA.values(), fields.LOCAL)}


def _asked(frame: bytes) -> tuple[bytes, bool] | None:
    """In whose name a question for a hardware address is, if it is one, and whether its checksum is right."""
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\x01":
        return frame[28:32], True
    if frame[12:14] == b"\x86\xdd" and frame[20] == wire.ICMPV6 and frame[54] == wire.SOLICITATION:
        pair, body = (frame[22:38], frame[38:54]), frame[54:54 + (frame[18] << 8 | frame[19])]
        return pair[0], wire.icmpv6(*pair, body[:2] + b"\0\0" + body[4:]) == body
    return None


class Attack(attack.Attack):
    """The forger, and the LAN, which hears everything that leaves."""

    hosts = ("auto",)
    attackers = ("forger",)
    spies = ("up0",)
    has_victims = False
    proofs = (("auto", 4), ("auto", 6))

    def prepare(self, host: Host) -> None:
        """Puts victim-1 behind the router."""
        elsewhere.move(host)

    def attack(self, field: Field) -> None:
        """Begins a connection from ever another address."""
        card, heard, sent, leaked, others, wrong = wire.Wire(), field.spies[0], 0, 0, 0, 0
        field.ready()
        while field.goes_on():
            sent += 1
            address = wire.ip(f"192.0.2.{100 + sent % 100}" if field.family == 4 else f"2001:db8:2::dead:{sent:x}")
            pair = (address, field.metadata)
            card.send(wire.packet(field.bridge, field.me.link, pair, wire.tcp(*pair, (4000, 80), wire.SYN, 1)))
            for frame in heard.received(0.05):
                if found := _asked(frame):
                    leaked, others, wrong = leaked + (found[0] in OURS), others + (found[0] not in OURS), wrong + (not found[1])
        field.report |= {"sent": sent, "leaked": leaked, "others": others, "wrong": wrong}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Asks as victim-1, when the host has forgotten its router."""
        time.sleep(1)
        statuses = []
        for _ in range(3):
            space.ip("neighbour flush dev br0")
            with space.inside(host.victims[0].name):
                statuses.append(fields.ask(METADATA[outcome.family], seconds=4)[0])
        outcome.host_report["statuses"] = statuses

    def gained(self, outcome: Outcome) -> str | None:
        """Questions that name the address, or none at all."""
        found = outcome.forger
        if found["leaked"]:
            return f"{found['leaked']} questions left in the name of a metadata address"
        if found["wrong"]:
            return f"{found['wrong']} questions left with a wrong checksum"
        if outcome.host_report["statuses"] != [200] * 3:
            return f"victim-1's requests got {outcome.host_report['statuses']}"
        if not found["others"]:
            raise space.Failure("the host asked for nobody: the attack does not work")
        return None

    def weaken(self, host: Host) -> None:
        """Lets every question out as it is."""
        rules.remove(r"saddr", "netdev", "uplink_out_arp|uplink_out_discovery_.*")

    def restore(self, host: Host) -> None:
        """The way of before."""
        elsewhere.undo(host)
