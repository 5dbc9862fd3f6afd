#!/usr/bin/env python3
"""One host, and the attacks on it, one after the other. Started by siege.py in namespaces that end with it."""

import contextlib
import importlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import field
import host as hosts
import server as servers
import space
from attack import Attack, Outcome
from field import METADATA, Attacker, Field
from host import Host
from victims import PATIENCE, RATE, Victims

# Where everything of the host stands; in memory.
PLACE = "/run/siege"
# Victims are given so long beyond their time for what is under way.
LATE = 12
# In a counter-proof nobody has to wait long to see that nothing comes.
SHORT_PATIENCE = 1.5
# A counter-proof shows that an attack can succeed, so a busy machine may fail it, and it is tried so often. What has to hold is tried once.
TRIES = 6


def load(name: str) -> Attack:
    """The attack of a file's name."""
    return importlib.import_module(f"attacks.{name}").Attack()


class Stage:
    """A host, on which cells are run: an attack by one family, with its defence or without."""

    def __init__(self, plan: dict[str, Any]):
        """Builds the host."""
        self._plan = plan
        self._log = f"{plan['logs']}/{plan['host']}-server.log"
        self._options: tuple[str, ...] | None = None
        self._host = Host(plan["host"], plan["server"], PLACE, self._log)
        self._is_clean = False

    def run(self) -> None:
        """Runs all cells, and prints a line of JSON for each."""
        for cell in self._plan["cells"]:
            begin = time.monotonic()
            tried = 1
            result = self._try(cell)
            while cell["proof"] and not result.get("gained") and tried < TRIES:
                tried += 1
                self._is_clean = False
                result = self._try(cell)
            result |= {"tries": tried, "took": round(time.monotonic() - begin, 1)}
            print(json.dumps(result), flush=True)

    def _try(self, cell: dict[str, Any]) -> dict[str, Any]:
        """Runs a cell, and says what was seen, or why it could not be run."""
        result = {"attack": cell["attack"], "host": self._plan["host"], "family": cell["family"], "proof": cell["proof"]}
        try:
            result |= self._run(load(cell["attack"]), cell["family"], cell["proof"])
        except space.Failure as error:
            result["error"] = str(error)
        except Exception:  # pylint: disable=broad-except
            result["error"] = traceback.format_exc()[-1500:]
        if "error" in result or result["gained"]:
            self._is_clean = False
        return result

    def _serve(self, options: tuple[str, ...]) -> None:
        """Lets the server run with these options, and makes sure that every guest is served."""
        if self._is_clean and options == self._options and self._host.server.is_running():
            with contextlib.suppress(space.Failure):
                self._host.heal()
                return self._check()
        self._restart(options)
        self._check()
        self._is_clean = True
        return None

    def _restart(self, options: tuple[str, ...]) -> None:
        host = self._host
        if host.server.is_running():
            host.server.end()
        host.forget_rules()
        self._options = None
        host.server.start(*options)
        self._options = options
        host.heal()

    def _check(self) -> None:
        for one in self._host.victims:
            def reads(one: Any = one) -> bool:
                with space.inside(one.name):
                    return all(field.ask(METADATA[family], seconds=3) == (200, one.body.encode()) for family in (4, 6))

            space.wait_until(reads, f"{one.name} reads its user data before the attack", 12)

    def _run(self, attack: Attack, family: int, is_proof: bool) -> dict[str, Any]:
        host, outcome = self._host, Outcome(self._host, family)
        weak = attack.options if attack.weak_options is None else attack.weak_options
        self._serve(weak if is_proof else attack.options)
        before = servers.counters()
        attackers: list[Attacker] = []
        try:
            attack.prepare(host)
            if is_proof:
                self._is_clean = False
                attack.weaken(host)
            everyone = {one.name: one for one in host.guests}
            attackers = [Attacker(Field(host, everyone[name], family), attack.attack, attack.spies)
                         for name in attack.attackers if name in everyone]
            self._siege(attack, outcome, attackers, is_proof)
        except BaseException:
            # What could not be undone says less than what went wrong before it.
            with contextlib.suppress(space.Failure):
                attack.restore(host)
            raise
        finally:
            for attacker in attackers:
                with contextlib.suppress(OSError):
                    outcome.reports[attacker.name] = attacker.end()
        attack.restore(host)
        after = servers.counters() if host.server.is_running() else {}
        outcome.counters = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
        if failures := [report["failure"] for report in outcome.reports.values() if "failure" in report]:
            raise space.Failure(failures[0])
        gained = attack.gained(outcome)
        if attack.rest:
            host.settle(attack.rest)
        return {"gained": gained, "victims": outcome.victims, "memory": outcome.memory, "counters": outcome.counters,
                "reports": outcome.reports | {"host": outcome.host_report}, "ends_connections": attack.ends_connections,
                "processes": host.server.is_running()}

    def _siege(self, attack: Attack, outcome: Outcome, attackers: list[Attacker], is_proof: bool) -> None:
        """Lets the victims ask while the attack runs."""
        # A counter-proof has shown what it is for after a few.
        host, requests = self._host, min(self._plan["requests"], 1500 if is_proof else 1 << 31)
        seconds = min(self._plan["seconds"], attack.seconds) if is_proof else self._plan["seconds"]
        asking = None
        if attack.has_victims:
            asking = Victims(
                self._plan["victims"], PLACE, host.victims[attack.victims], requests, seconds,
                has_local=host.kind.intercept == "address", rate=attack.rate or RATE,
                makes_again=attack.ends_connections, patience=SHORT_PATIENCE if is_proof else attack.patience or PATIENCE)
        begin = time.monotonic()
        attack.during(host, outcome)
        if not asking:
            # What happens on the host is all that the attack is for.
            for attacker in attackers:
                outcome.reports[attacker.name] = attacker.end()
        else:
            while asking.is_running() and time.monotonic() - begin < seconds + LATE:
                outcome.memory = max(outcome.memory, host.server.memory())
                time.sleep(0.1)
            outcome.victims = asking.found(LATE)
        outcome.memory = max(outcome.memory, host.server.memory())

    def end(self) -> None:
        """Ends the server. Everything else ends with the namespaces."""
        self._host.server.end()
        self._host.hypervisor.end()


def main() -> None:
    """Runs the plan that the first argument names."""
    if os.getpid() != 1:
        raise SystemExit("stage.py is started by siege.py, in namespaces of its own")
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for directory in ("/run", "/sys"):
        space.call("mount", "-t", *(("sysfs", "none") if directory == "/sys" else ("tmpfs", "-o", "mode=755", "none")), directory)
    os.makedirs("/run/netns")
    hosts.use_relay(plan["relay"])
    stage = None
    try:
        stage = Stage(plan)
        stage.run()
    finally:
        if stage:
            stage.end()
        if os.path.exists(f"{PLACE}/libvirtd.log"):
            shutil.copy(f"{PLACE}/libvirtd.log", f"{plan['logs']}/{plan['host']}-libvirtd.log")


if __name__ == "__main__":
    main()
