"""Four guests do all of it at once.

The forger takes the gateway's place, its neighbour on the other bridge asks by every socket, the stranger floods in others' names, and
the LAN steals replies, while the server is reloaded. In the way: all that is in the way of each.
"""

import signal
import time

import attack
import rules
from attack import Outcome
from attacks import gateway_answered, listeners_asked, mac_forged, replies_stolen
from field import Field
from host import Host


class Attack(attack.Attack):
    """Each has an attack of its own."""

    hosts = ("address", "redirect", "auto")
    attackers = ("forger", "neighbour", "stranger", "lan")
    proofs = (("address", 4),)

    def __init__(self) -> None:
        """Has the attacks that it is made of."""
        self._parts = {"forger": gateway_answered.Attack(), "neighbour": listeners_asked.Attack(), "stranger": mac_forged.Attack(),
                       "lan": replies_stolen.Attack()}

    def prepare(self, host: Host) -> None:
        """What each of them needs."""
        for part in self._parts.values():
            part.prepare(host)

    def attack(self, field: Field) -> None:
        """Each in its own guest."""
        self._parts[field.me.name].attack(field)

    def during(self, host: Host, outcome: Outcome) -> None:
        """Reloads the server, whose configuration has not changed."""
        for _ in range(4):
            time.sleep(0.4)
            host.server.send(signal.SIGHUP)

    def gained(self, outcome: Outcome) -> str | None:
        """What any of them has come to."""
        reports, found = outcome.reports, []
        if reports["forger"]["seen"]:
            found.append(f"the forger saw {reports['forger']['seen']} packets of victims' requests")
        if reports.get("lan", {}).get("seen"):
            found.append(f"the LAN saw {reports['lan']['seen']} replies")
        if reports["stranger"]["opened"] and any("victim" in body for body in reports["stranger"]["bodies"]):
            found.append(f"the stranger read {reports['stranger']['bodies']}")
        if reports["neighbour"]["connected"]:
            found.append(f"the neighbour connected to {reports['neighbour']['connected']}")
        if outcome.victims.get("wrong"):
            found.append(f"victims took {outcome.victims['wrong']} answers that are another's")
        return "; ".join(found) or None

    def weaken(self, host: Host) -> None:
        """Bridges requests as other frames, and lets guests send as the metadata service."""
        rules.overlook()
        rules.let_speak()

    def restore(self, host: Host) -> None:
        """What each of them has to restore."""
        for part in self._parts.values():
            part.restore(host)
