"""A guest whose domain nobody knows asks by a running tap, in its own name and in others'.

A tap that no domain is known for may be a guest that boots a moment before libvirt says so: its requests wait. Gained: another guest's
metadata in the meantime; a place for ever in the queue of those who wait. In the way: what it bears names nobody, and it is told 404 when
its time (`--hold-timeout`) is up, or its own data as soon as its domain is known.
"""

import contextlib
import time

import attack
import space
import wire
from attack import Outcome
from field import METADATA, Field, ask
from host import Host
from puppets import Puppets


class Attack(attack.Attack):
    """A stranger that is victim-1, as far as frames can say so, and asks as itself too."""

    hosts = ("address", "redirect", "bridge", "auto")
    attackers = ("stranger",)
    no_proof = "the stranger's own data, once its domain is known, shows that it is heard"

    def attack(self, field: Field) -> None:
        """Connects as the victim, and as itself."""
        card, port, victim = wire.Wire(), 20000, field.victims[0]
        puppets = Puppets(field, card)
        field.ready()
        while field.goes_on():
            port = 20000 + (port + 1) % 20000
            puppets.connect(victim.link, field.own(victim), port)
            puppets.connect(field.me.link, field.own(victim), port + 20000)
            # Few enough that its own limit is not in its way.
            puppets.work(0.1)
        field.report["bodies"] = sorted(puppets.bodies())

    def during(self, host: Host, outcome: Outcome) -> None:
        """Asks as the stranger does, unknown and then known."""
        stranger = host.stranger
        with space.inside(stranger.name):
            begin = time.monotonic()
            outcome.host_report["unknown"] = ask(METADATA[outcome.family], seconds=8)[0]
            outcome.host_report["after"] = round(time.monotonic() - begin, 2)
        host.hypervisor.start(stranger.xml())
        with contextlib.suppress(space.Failure):
            host.wait_until_served(stranger, seconds=8)
            outcome.host_report["known"] = True

    def gained(self, outcome: Outcome) -> str | None:
        """Another's data, or no answer."""
        found = outcome.host_report
        if any("victim" in body for body in outcome.reports["stranger"]["bodies"]):
            return f"the stranger read {outcome.reports['stranger']['bodies']}"
        if found["unknown"] != 404:
            return f"the stranger was answered {found['unknown']} after {found['after']} s"
        return None if found.get("known") else "the stranger was not served when its domain was known"

    def restore(self, host: Host) -> None:
        """Nobody knows it again."""
        with contextlib.suppress(space.Failure):
            host.hypervisor.stop(host.stranger.name)
