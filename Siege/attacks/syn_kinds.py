"""A guest begins connections faster than it may, by SYNs that a limit might not see.

Other flags, data, options, extension headers, fragments in every cut and order, each of which Linux or another receiver may take for the
beginning of a connection. Gained: the kernel's queue is the attacker's. In the way: `--connections-per-second` counts whatever begins a
connection, and fragments and extension headers to a metadata address are dropped (counters `rate_limited`, `fragmented`).
"""

import struct
import time

import attack
import space
import wire
from attack import Outcome
from field import Field

# How many of each kind are sent, and how many answers say that the limit did not see them.
COUNT, MOST = 80, 48
MSS = b"\x02\x04\x05\xb4\x01\x01\x01\x01"


class Sender:
    """Makes SYNs of every kind."""

    def __init__(self, field: Field):
        """Has the addresses of the attack."""
        self.field = field
        self.source, self.target = field.own(), field.metadata

    def _frame(self, payload: bytes) -> bytes:
        return wire.ethernet(self.field.bridge, self.field.me.link, wire.IPV4 if self.field.family == 4 else wire.IPV6, payload)

    def _segment(self, port: int, flags: int = wire.SYN, data: bytes = b"", options: bytes = b"") -> bytes:
        return wire.tcp(self.source, self.target, (port, 80), flags, port * 7, 0, data, options)

    def plain(self, port: int, **more: object) -> list[bytes]:
        """A SYN, with other flags, data or options."""
        return [wire.packet(self.field.bridge, self.field.me.link, (self.source, self.target), self._segment(port, **more))]

    def fragments(self, port: int, *cuts: int, is_backwards: bool = False) -> list[bytes]:
        """A SYN in fragments that end at these bytes."""
        segment, found = self._segment(port, options=MSS), []
        for start, end in zip((0, *cuts), (*cuts, len(segment)), strict=True):
            is_last = end == len(segment)
            if self.field.family == 4:
                found.append(self._frame(wire.ipv4(self.source, self.target, segment[start:end], wire.TCP, port, start // 8 | (
                    0 if is_last else 0x2000))))
            else:
                head = struct.pack("!BBHI", wire.TCP, 0, start | (not is_last), port)
                found.append(self._frame(wire.ipv6(self.source, self.target, head + segment[start:end], wire.FRAGMENT)))
        return found[::-1] if is_backwards else found

    def behind(self, port: int, following: int, headers: bytes) -> list[bytes]:
        """A SYN behind extension headers of IPv6."""
        return [self._frame(wire.ipv6(self.source, self.target, headers + self._segment(port), following))]

    def options4(self, port: int) -> list[bytes]:
        """A SYN behind options of IPv4: padding."""
        segment = self._segment(port)
        head = struct.pack("!BBHHHBBH", 0x46, 0, 24 + len(segment), 0, 0x4000, 64, wire.TCP, 0)
        head += self.source + self.target + b"\x01\x01\x01\x00"
        return [self._frame(head[:10] + struct.pack("!H", wire.checksum(head)) + head[12:] + segment)]


def kinds(sender: Sender) -> dict[str, object]:
    """How each kind is made, by its name."""
    found = {
        "plain": sender.plain,
        "with ECN": lambda port: sender.plain(port, flags=wire.SYN | wire.ECE | wire.CWR),
        "with FIN": lambda port: sender.plain(port, flags=wire.SYN | wire.FIN),
        "with PSH and URG": lambda port: sender.plain(port, flags=wire.SYN | wire.PSH | wire.URG),
        "with RST": lambda port: sender.plain(port, flags=wire.SYN | wire.RST),
        "with data": lambda port: sender.plain(port, data=b"GET / HTTP/1.1\r\n\r\n"),
        "asking for a fast-open cookie": lambda port: sender.plain(port, options=b"\x22\x02\x01\x01"),
        "in fragments of 8 bytes": lambda port: sender.fragments(port, 8, 16),
        "in two fragments, 8 bytes first": lambda port: sender.fragments(port, 8),
        "in two, the last first": lambda port: sender.fragments(port, 8, is_backwards=True),
        "in two, 24 bytes first": lambda port: sender.fragments(port, 24),
        "in VLAN 0": lambda port: [wire.tagged(frame, (wire.VLAN, 0)) for frame in sender.plain(port)],
        "in VLAN 0 of 802.1ad": lambda port: [wire.tagged(frame, (wire.PROVIDER_VLAN, 0)) for frame in sender.plain(port)],
    }
    if sender.field.family == 4:
        return found | {"behind options": sender.options4}
    padding = [0, 1, 4, 0, 0, 0, 0]
    fifteen = b"".join(bytes([wire.DESTINATION_OPTIONS if number < 14 else wire.TCP, *padding]) for number in range(15))
    return found | {
        "behind hop-by-hop options": lambda port: sender.behind(port, wire.HOP_BY_HOP, bytes([wire.TCP, *padding])),
        "behind destination options": lambda port: sender.behind(port, wire.DESTINATION_OPTIONS, bytes([wire.TCP, *padding])),
        "behind fifteen of them": lambda port: sender.behind(port, wire.DESTINATION_OPTIONS, fifteen),
        "in an atomic fragment": lambda port: sender.behind(port, wire.FRAGMENT, struct.pack("!BBHI", wire.TCP, 0, 0, port)),
        "behind a routing header": lambda port: sender.behind(port, 43, bytes([wire.TCP, 0, 4, 0, 0, 0, 0, 0])),
    }


class Attack(attack.Attack):
    """First the allowance is used up, then comes a burst of each kind."""

    rest = 2.2
    proofs = (("address", 4), ("address", 6))
    weak_options = ("--connections-per-second", "100000")

    def attack(self, field: Field) -> None:
        """Counts SYN-ACKs by kind. The forger's own kernel refuses them, so that nothing stays half open."""
        card, sender, port = wire.Wire(), Sender(field), 20000
        answered: dict[str, int] = {}
        field.ready()
        makers = [("at first", sender.plain)] * 4 + list(kinds(sender).items())
        begin = time.monotonic()
        for name, make in makers:
            sent, got = range(port, port + COUNT), set()
            port += COUNT
            for number in sent:
                card.send(*make(number))
            for segment in card.segments(0.08):
                if segment.flags & (wire.SYN | wire.ACK) == wire.SYN | wire.ACK and segment.ports[0] == 80 and segment.ports[1] in sent:
                    got.add(segment.ports[1])
            answered[name] = answered.get(name, 0) + len(got)
        field.report |= {"answered": answered, "seconds": time.monotonic() - begin}

    def gained(self, outcome: Outcome) -> str | None:
        """A kind that was answered nearly always, after the allowance had been used up."""
        answered = dict(outcome.forger["answered"])
        if not answered.pop("at first"):
            raise space.Failure("no SYN was answered at all: the attack does not work")
        free = [f"{name} ({count} of {COUNT})" for name, count in answered.items() if count > MOST]
        return f"answered beyond the limit: {', '.join(free)}" if free else None
