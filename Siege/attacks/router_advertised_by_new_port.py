"""A guest whose card has just been plugged in advertises itself to the host as a router, before its port has rules, or while no server runs.

The server learns of a port by a notification, and a port that comes while it is stopped has no rules until it starts. Gained: as in router_advertised,
the host waits for days for each neighbour that it looks for. In the way: of the advertisements that come by a bridge the host takes those of uplinks
only (chain `icmp_errors`), whose rules mark them.
"""

import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks import router_advertised
from attacks.router_advertised import TIMER
from field import Field
from host import Host


class Attack(router_advertised.Attack):
    """The forger's card comes and goes, as by virsh attach-device."""

    hosts = ("address", "redirect", "auto")
    has_victims = False
    proofs = (("redirect", 6),)

    def attack(self, field: Field) -> None:
        """Advertises from the first moment of a card."""
        frames = [frame for found in router_advertised.kinds(field).values() for frame in found][:3]
        sent = 0
        field.ready()
        while field.goes_on():
            try:
                card = wire.Wire()
            except OSError:
                time.sleep(0.0005)
                continue
            refused = card.refused
            for _ in range(2000):
                card.send(*frames)
                sent += 1
                if card.refused > refused + 30:
                    break
                time.sleep(0.001)
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Plugs the card in, while the server runs and while it does not."""
        waits: list[int] = []

        def plug() -> None:
            host.forger.unplug()
            time.sleep(0.4)
            space.setting("net.ipv6.neigh.br0.retrans_time_ms", 1000)
            host.forger.plug()
            time.sleep(1)
            with open(TIMER.format("br0"), encoding="ascii") as file:
                waits.append(int(file.read()))

        for _ in range(3):
            plug()
        host.server.end()
        tap = host.forger.tap
        # As libvirt does, which gives every tap another name: rules of an ended server apply to a name that returns.
        host.forger.unplug()
        host.forger.tap = f"{tap}n"
        host.forger.plug()
        plug()
        host.forger.unplug()
        host.forger.tap = tap
        host.forger.plug()
        host.server.start(*host.server.options)
        outcome.host_report["waits"] = waits

    def gained(self, outcome: Outcome) -> str | None:
        """A host that believes."""
        if outcome.forger["sent"] < 100:
            raise space.Failure("hardly an advertisement was sent: the attack does not work")
        waits = outcome.host_report["waits"]
        believed = sum(wait != 1000 for wait in waits)
        return f"the host believed {believed} of {len(waits)} new cards" if believed else None

    def weaken(self, host: Host) -> None:
        """Lets the host hear what has no mark."""
        rules.remove(r"nd-router-advert", "inet", "icmp_errors")
