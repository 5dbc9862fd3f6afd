"""The server is restarted, killed and reloaded while a guest steals replies and claims to be another.

Rules and sockets are made anew each time, in some order; and while there is no server one guest is unplugged, so that what comes after it
is numbered otherwise than the rules that are still there have it. Gained: what a moment without one of them gives away, another guest's
socket among it; victims that are refused and not only kept waiting. In the way: bridges are closed before the server ends and until it
serves again, so that a client's own SYN is sent again.
"""

import signal
import time

import attack
import wire
from attack import Outcome
from attacks.lib import claims
from field import Field
from host import Host
from puppets import Puppets


class Attack(attack.Attack):
    """SIGHUP, SIGTERM, SIGKILL."""

    hosts = ("address", "redirect", "bridge", "auto")
    families = (4, 6)
    victims = slice(1, None)
    ends_connections = True
    # A client's kernel sends a SYN again after one, three and seven seconds.
    patience = 10
    # Its own default, and so a server that no attack before has spoken to: a SYN in a victim's name is answered for a minute.
    options = ("--hold-timeout", "5s")
    # Who was kept waiting by a restart still has to be let in again and again.
    rate = 200
    proofs = (("address", 4), ("redirect", 4))
    weak_options = ("--leave-open",)

    def attack(self, field: Field) -> None:
        """Claims the victims' addresses to the host and bears their hardware addresses, and takes what comes."""
        card, port = wire.Wire(), 20000
        puppets, claim = Puppets(field, card), claims.of_victims(field)
        field.ready()
        while field.goes_on():
            port = 20000 + (port + 1) % 20000
            victim = field.victims[port % len(field.victims)]
            card.send(*claim)
            puppets.connect(victim.link, field.own(victim), port)
            puppets.work(0.02)
        field.report |= {"seen": puppets.astray, "kinds": puppets.astray_kinds, "bodies": sorted(puppets.bodies())}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Ends the server in each way."""
        server = host.server
        time.sleep(0.3)
        server.send(signal.SIGHUP)
        time.sleep(0.3)
        # Without the defence a request is lost in some ends only, those in which it finds neither server nor route.
        more = 4 if "--leave-open" in server.options else 0
        for number in (signal.SIGTERM, signal.SIGKILL, *[signal.SIGTERM] * more):
            server.end(number)
            host.victims[0].unplug()
            server.start(*server.options)
            time.sleep(0.3)
            host.victims[0].plug()
        server.send(signal.SIGHUP)

    def gained(self, outcome: Outcome) -> str | None:
        """What is a victim's, or victims that were refused."""
        found = outcome.forger
        if any("victim" in body for body in found["bodies"]):
            return f"the forger read {found['bodies']}"
        if found["seen"]:
            return f"the forger saw {found['seen']} packets for victims: {found['kinds']}"
        return f"victims lost {outcome.lost} requests" if outcome.lost else None
