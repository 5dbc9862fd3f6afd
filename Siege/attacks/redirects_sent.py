"""A neighbour tells a victim of a better router for the metadata address.

It speaks as the victim's gateway does, names an address that is nobody's, and answers for that address as long as it takes to be believed.
Afterwards nobody answers there, and only what is for the metadata address goes there. So does a machine on the LAN. Gained: a victim that does
not reach its metadata for as long as it remembers. In the way: no true redirect is about a metadata address, for the host takes what is for
it wherever it is sent; those that are are dropped where they enter the bridge (chains `guard_errors`, `guard_discovery_…`).
"""

import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import errors
from field import BRIDGE_MACS, METADATA, Field
from host import Host

# Nobody's.
NOWHERE = {4: "192.0.2.77", 6: "fe80::77"}
NOWHERE_LINK = wire.mac("52:54:ee:00:00:77")


def router(host: Host, family: int) -> str:
    """Who may send redirects to the guests of br0: of IPv6 a link-local address."""
    if family == 4:
        return host.gateway(4)
    return host.lan.local6 if host.kind.has_uplink else _local(BRIDGE_MACS["br0"])


def _local(mac: str) -> str:
    octets = wire.mac(mac)
    return wire.ip_text(bytes.fromhex("fe80000000000000") + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:])


class Attack(attack.Attack):
    """The forger, or the LAN, and victims who may be told of routers."""

    hosts = ("address", "redirect", "bridge", "auto")
    attackers = ("forger", "lan")
    proofs = (("address", 4), ("address", 6))

    def prepare(self, host: Host) -> None:
        """A guest's router of IPv6 is a link-local address, as router advertisements tell it."""
        for one in host.victims:
            space.ip(f"route replace default via {router(host, 6)} dev eth0", one.name)
            for family in (4, 6):
                space.setting(f"net.ipv{family}.conf.eth0.accept_redirects", 1, one.name)

    def attack(self, field: Field) -> None:
        """Answers for the address at first, and redirects to it."""
        card, sent, begin = wire.Wire(), 0, time.monotonic()
        field.ready()
        while field.goes_on():
            for one in field.victims:
                for body, pair, hops in self._redirects(field, field.own(one)):
                    for link in ((one.link, field.me.link), (field.bridge, field.me.link)):
                        card.send(errors.frame(link, pair, body, hops), *errors.fragments(link, pair, body, 8, sent))
                sent += 1
            for frame in card.received(0.05):
                if time.monotonic() - begin < 1 and frame[12:14] == b"\x08\x06" and frame[38:42] == wire.ip(NOWHERE[4]):
                    card.send(wire.arp(frame[6:12], field.me.link, 2, (NOWHERE_LINK, NOWHERE[4]), (frame[6:12], wire.ip_text(frame[28:32]))))
        field.report["sent"] = sent

    @staticmethod
    def _redirects(field: Field, victim: bytes) -> list[tuple[bytes, tuple[bytes, bytes], int]]:
        """Each as the message, its addresses and its hop limit."""
        source = wire.ip(router(field.host, field.family))
        pair = (source, victim)
        if field.family == 4:
            gateway, = struct.unpack("!I", wire.ip(NOWHERE[4]))
            # Of a connection it would have to name the ports; nobody knows which echoes were answered.
            inner = wire.ipv4(victim, field.metadata, struct.pack("!BBHHH", 0, 0, 0xFFFF, 0, 0), 1)
            return [(errors.message(kind, pair, inner, gateway), pair, 64) for kind in (errors.REDIRECT4, (5, 0))]
        target = wire.ip(NOWHERE[6]) + field.metadata + b"\x02\x01" + NOWHERE_LINK
        return [(errors.message((wire.REDIRECT, 0), pair, target), pair, 255)]

    def during(self, host: Host, outcome: Outcome) -> None:
        """Lets victims forget who is where, as time does."""
        found = set()
        for _ in range(8):
            time.sleep(0.25)
            for one in host.victims:
                way = space.call("ip", "-n", one.name, "route", "get", METADATA[outcome.family])
                if NOWHERE[outcome.family] in way:
                    found.add(one.name)
        for one in host.victims:
            space.ip("neighbour flush all", one.name)
        outcome.host_report["diverted"] = sorted(found)

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that go where nobody is."""
        if any(report["sent"] < 10 for report in outcome.reports.values()):
            raise space.Failure("hardly a redirect was sent: the attack does not work")
        diverted = outcome.host_report["diverted"]
        if diverted:
            return f"diverted: {', '.join(diverted)}; victims lost {outcome.lost} requests"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def weaken(self, host: Host) -> None:
        """Lets every redirect through."""
        rules.remove(r"@th,(192,32|192,128) |frag", "netdev", "guard_errors|guard_discovery_.*")

    def restore(self, host: Host) -> None:
        """The victims' own ways."""
        for one in host.victims:
            for family in (4, 6):
                space.call("ip", f"-{family}", "-n", one.name, "route", "flush", "cache")
        host.heal()
