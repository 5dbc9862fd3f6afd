#!/usr/bin/env python3
"""Attacks the server from every side while honest guests ask for their metadata, and says what came of it."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import table
from host import KINDS
from stage import load

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent / ".siege"
# A cell never takes longer than this, in seconds, and a host is built within it.
LONGEST_CELL = 90
Cell = dict[str, Any]


def names() -> list[str]:
    """All attacks."""
    return sorted(path.stem for path in (HERE / "attacks").glob("[!_]*.py"))


def cells(chosen: list[str], hosts: list[str], with_proofs: bool) -> dict[str, list[Cell]]:
    """What is run on each kind of host. Cells with the same options of the server follow each other, and counter-proofs come last."""
    plan: dict[str, list[tuple[Any, Cell]]] = {host: [] for host in hosts}
    for name in chosen:
        attack = load(name)
        if not attack.proofs and not attack.no_proof:
            raise SystemExit(f"siege: {name} has neither a counter-proof nor a reason why there is none")
        runs = [(host, family, False) for host in attack.hosts for family in attack.families]
        if with_proofs:
            runs += [(host, family, True) for host, family in attack.proofs]
        for host, family, is_proof in runs:
            if host in plan:
                plan[host].append(((is_proof, attack.options), {"attack": name, "family": family, "proof": is_proof}))
    return {host: [cell for _, cell in sorted(found, key=lambda one: one[0])] for host, found in plan.items() if found}


def build(source: str) -> str:
    """Compiles one of the programs in C."""
    program = KEPT / source
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, HERE / f"{source}.c"], check=True)
    return os.fspath(program)


class Siege:
    """The whole of it."""

    def __init__(self, options: argparse.Namespace):
        """Knows what was asked for."""
        self._options = options
        self._programs = {name: build(name) for name in ("victims", "relay")}
        self._running: subprocess.Popen | None = None
        self.rows: list[table.Row] = []

    def host(self, kind: str, todo: list[Cell]) -> None:
        """Runs the cells of one host, in namespaces that end with it."""
        plan = {"host": kind, "server": os.fspath(self._options.server.resolve()), "logs": os.fspath(KEPT / "logs"),
                "requests": self._options.requests, "seconds": self._options.seconds, "cells": todo, **self._programs}
        path = KEPT / f"{kind}.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        limit = str(LONGEST_CELL * (len(todo) + 1))
        with (KEPT / "logs" / f"{kind}.log").open("wb") as errors:
            self._running = subprocess.Popen(
                ["timeout", "--kill-after", "10", limit, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 sys.executable, "-B", os.fspath(HERE / "stage.py"), os.fspath(path)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
            done = 0
            for line in self._running.stdout:
                done += 1
                self._take(table.Row(json.loads(line)))
            self._running.wait()
            self._running = None
        for cell in todo[done:]:
            self._take(table.Row({**cell, "host": kind, "error": f"the host ended before it; see .siege/logs/{kind}.log"}))

    def _take(self, row: table.Row) -> None:
        self.rows.append(row)
        print(row.text(), flush=True)

    def end(self) -> None:
        """Ends what is running."""
        if self._running:
            self._running.terminate()
            self._running.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, default=Path(os.environ.get("SIEGE_SERVER", HERE.parent / ".build/debug/virt-metadata")),
                        help="the program under siege")
    parser.add_argument("--only", help="only these attacks, with commas between them")
    parser.add_argument("--hosts", default=",".join(KINDS), help="only on these kinds of host: " + ",".join(KINDS))
    parser.add_argument("--requests", type=int, default=6500, help="victims' requests under each attack, kind of host and family")
    parser.add_argument("--seconds", type=float, default=12, help="the most seconds that victims may need for them")
    parser.add_argument("--no-proofs", action="store_true", help="leave out the counter-proofs")
    parser.add_argument("--summary", type=Path, default=KEPT / "summary.json", help="where all figures are written, as JSON")
    parser.add_argument("--list", action="store_true", help="print the attacks, and end")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else names()
    options.hosts = options.hosts.split(",")
    for unknown in [name for name in options.only if name not in names()] + [name for name in options.hosts if name not in KINDS]:
        parser.error(f"no such attack or kind of host: {unknown}")
    return options


def _list(chosen: list[str]) -> None:
    for name in chosen:
        attack = load(name)
        proof = ", ".join(f"{host} IPv{family}" for host, family in attack.proofs) or attack.no_proof
        said = sys.modules[type(attack).__module__].__doc__.strip().split("\n\n")[0].replace("\n", " ")
        print(f"{name}\n  {said}\n  on {', '.join(attack.hosts)}; IPv{' and IPv'.join(map(str, attack.families))}; counter-proof: {proof}")


def main() -> int:
    """Runs what was asked for."""
    options = _options()
    if options.list:
        _list(options.only)
        return 0
    if os.geteuid() != 0:
        print("siege: needs root, to make namespaces", file=sys.stderr)
        return 2
    if not options.server.exists():
        print(f"siege: no program at {options.server}: build it, or name another with --server", file=sys.stderr)
        return 2
    shutil.rmtree(KEPT, ignore_errors=True)
    (KEPT / "logs").mkdir(parents=True)
    begin = time.monotonic()
    siege = Siege(options)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(2))
    print(table.HEAD, flush=True)
    try:
        for kind, todo in cells(options.only, options.hosts, not options.no_proofs).items():
            siege.host(kind, todo)
    except KeyboardInterrupt:
        return 2
    finally:
        siege.end()
    totals = table.totals(siege.rows)
    options.summary.write_text(json.dumps({"totals": totals, "cells": [row.found for row in siege.rows]}, indent=1), encoding="utf-8")
    print(table.last_lines(siege.rows, totals, time.monotonic() - begin))
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
