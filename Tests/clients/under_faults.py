#!/usr/bin/python3 -IS
"""Runs real clients under each fault of `virt-metadata emulate`, and prints what each made of it.

    Tests/clients/under_faults.py --markdown                      # the tables of docs/clients-under-faults.md
    Tests/clients/under_faults.py --cells ec2metadata/portal      # some cells, as JSON
    Tests/clients/under_faults.py --keep results.json --markdown  # goes on where an earlier run was ended

Each cell is one client under one fault, alone in the namespace of an emulator with its built-in instance. What the client says is
compared with what it says without a fault:

    found       the same
    in part     some values are missing
    wrong data  a value that the emulator does not have
    not found   the client ended, and says that there is no service or no data
    error       the client ended with an error status or an exception
    hangs       the client was still running at the limit, and was killed

"requests" counts those that reached the emulator, "seconds" is the time from the start of the emulator to its end.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from faulted_clients import CLIENTS, PACKAGE, RUNNABLE

# A text that is in no answer without a fault.
ELSEWHERE = "the page of another service"


def rule(effect, path="**", method=None, first=None):
    """A fault of a scenario file."""
    match = {"path": path, **({"method": method} if method else {})}
    return {"match": match, "do": effect, **({"when": {"first": first}} if first else {})}


# By name: the first column of the table, and the rules of the scenario.
FAULTS = {
    "none": ("none", []),
    "503-twice": ("503 twice, `Retry-After: 1`", [rule({"status": 503, "retry-after": "1s"}, first=2)]),
    "503": ("503 always", [rule({"status": 503})]),
    "429": ("429 three times", [rule({"status": 429}, first=3)]),
    "401": ("401 for the first five reads", [rule({"status": 401}, method="GET", first=5)]),
    "token-403": ("403 for tokens", [rule({"status": 403}, path="api/token", method="PUT")]),
    "drop": ("first request never answered", [rule({"drop": True}, first=1)]),
    "reset": ("first connection reset", [rule({"reset": True}, first=1)]),
    "truncated": ("reads cut after 10 bytes", [rule({"truncate": 10}, method="GET")]),
    "late": ("first body 3 s after its header", [rule({"body-delay": "3s"}, first=1)]),
    "slow": ("300 bytes per second", [rule({"rate": 300})]),
    "garbage": ("bytes that are not HTTP", [rule({"garbage": True})]),
    "portal": ("captive portal", [rule({"captive-portal": True})]),
    "redirect": ("redirect to a web page", [
        rule({"status": 200, "body": f"<html>{ELSEWHERE}</html>\n"}, path="/elsewhere/**"),
        rule({"redirect": "http://169.254.169.254/elsewhere/page"}),
    ]),
    "404": ("404 for everything", [rule({"status": 404})]),
}

# -------------------------------------------------------------------------------------------------------------- cells

def run(client, fault, program, limit):
    """One client under one fault: how it ended, its output and the access log."""
    command = RUNNABLE[client][3]
    environment = {"HOME": "/nonexistent", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryDirectory(prefix="under-faults.") as directory:
        folder = pathlib.Path(directory)
        (folder / "scenario").write_text(json.dumps({"faults": FAULTS[fault][1]}))
        (folder / "log").touch()
        line = [program, "emulate", "--quiet", "--seed", "1", "--scenario", f"{folder}/scenario", "--access-log", f"{folder}/log", "--"]
        started = time.monotonic()
        with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
            process = subprocess.Popen(line + command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                                       cwd=directory, start_new_session=True)
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # The emulator and its command are a process group.
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
        seconds = time.monotonic() - started
        read = lambda name: (folder / name).read_text(errors="replace")
        log = [json.loads(entry) for entry in read("log").splitlines() if entry.endswith("}")]
        return status, seconds, read("out"), read("err"), log


def logged(output):
    """The last thing that a client logged, as its driver prints it."""
    if not output.startswith("{"):
        return ""
    document = json.loads(output)
    messages = [entry["message"] if isinstance(entry, dict) else entry for entry in document.get("warnings", document.get("log", []))]
    return messages[-1][:200] if messages else ""


def judged(client, ran, whole):
    """The outcome of a run, and a sentence about it; `whole` is what the client says without a fault."""
    status, _, output, errors, _ = ran
    last = (errors.strip().splitlines() or [""])[-1][:200]
    if status is None:
        return "hangs", last
    if status != 0:
        return "error", last
    try:
        values = RUNNABLE[client][4](output)
    except (ValueError, KeyError) as error:
        return "error", f"{type(error).__name__} in {output[:100]!r}"
    if values is None:
        return "not found", logged(output) or last
    other = sorted(path for path in values if whole is not None and values[path] != whole.get(path))
    if other:
        return "wrong data", f"{other[0]}: {str(values[other[0]])[:100]!r}"
    missing = sorted(set(whole or {}) - set(values))
    return ("in part", f"without {', '.join(missing[:5])}") if missing else ("found", "")


def cell(client, fault, program, limit, whole):
    """The record of one cell, with the values where there is no fault."""
    ran = run(client, fault, program, limit)
    outcome, note = judged(client, ran, whole)
    record = {"client": client, "fault": fault, "outcome": outcome, "requests": len(ran[4]), "seconds": round(ran[1], 1), "note": note,
              "follows": any(str(entry["target"]).startswith("/elsewhere/") for entry in ran[4])}
    values = RUNNABLE[client][4](ran[2]) if fault == "none" and outcome == "found" else None
    return record, values


def cells(wanted, program, limit, keep):
    """The records of all wanted cells. Of each client, the cell without a fault comes first, since others are compared with it."""
    known = json.loads(keep.read_text()) if keep and keep.exists() else []
    for client in RUNNABLE:
        faults = [fault for fault in FAULTS if (client, fault) in wanted]
        have = {(record["client"], record["fault"]) for record in known}
        missing = [fault for fault in faults if (client, fault) not in have]
        if not missing or not (CLIENTS / RUNNABLE[client][2]).exists():
            continue
        base, whole = cell(client, "none", program, limit, None)
        for fault in missing:
            known.append(base if fault == "none" else cell(client, fault, program, limit, whole)[0])
            print(json.dumps(known[-1], ensure_ascii=False), file=sys.stderr, flush=True)
            if keep:
                keep.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    return known


def text(record, base):
    """A cell of the table. The time is that which the fault costs, where it is more than a busy machine does."""
    if record is None:
        return "–"
    more = round(record["seconds"] - base["seconds"]) if base else 0
    parts = [record["outcome"], str(record["requests"])]
    if more >= 3 and record["outcome"] != "hangs":
        parts.append(f"+{more} s")
    if record["follows"]:
        parts.append("follows")
    return ", ".join(parts)


def markdown(records):
    """A table for each group of clients."""
    found = {(record["client"], record["fault"]): record for record in records}
    lines = []
    for group in dict.fromkeys(entry[0] for entry in RUNNABLE.values()):
        clients = [client for client in RUNNABLE if RUNNABLE[client][0] == group]
        lines += [f"| fault | {' | '.join(RUNNABLE[client][1] for client in clients)} |", "|---" * (len(clients) + 1) + "|"]
        for fault, (title, _) in FAULTS.items():
            row = [text(found.get((client, fault)), found.get((client, "none"))) for client in clients]
            lines.append(f"| {title} | {' | '.join(row)} |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Run real clients under the faults of an emulator.")
    parser.add_argument("--program", default=str(PACKAGE / ".build/debug/virt-metadata"), help="virt-metadata (default: %(default)s)")
    parser.add_argument("--cells", metavar="CLIENT/FAULT,…", help="only these; either may be *")
    parser.add_argument("--limit", type=int, default=45, metavar="S", help="ends a client after so many seconds (default: %(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FILE", help="keeps records there, and runs only those it lacks")
    parser.add_argument("--markdown", action="store_true", help="prints tables, not JSON")
    options = parser.parse_args()
    every = {(client, fault) for client in RUNNABLE for fault in FAULTS}
    wanted = every
    if options.cells:
        named = [tuple(name.partition("/")[::2]) for name in options.cells.split(",")]
        wanted = {(c, f) for c, f in every for client, fault in named if client in ("*", c) and fault in ("*", f)}
        for client, fault in named:
            if client != "*" and client not in RUNNABLE or fault != "*" and fault not in FAULTS:
                parser.error(f"unknown cell {client}/{fault}: clients are {', '.join(RUNNABLE)}; faults are {', '.join(FAULTS)}")
    records = cells(wanted, options.program, options.limit, options.keep)
    if options.markdown:
        print(markdown(records))
        return
    base = {record["client"]: record for record in records if record["fault"] == "none"}
    print(json.dumps([{**record, "column": RUNNABLE[record["client"]][1], "row": FAULTS[record["fault"]][0],
                       "text": text(record, base.get(record["client"]))} for record in records], ensure_ascii=False))


if __name__ == "__main__":
    main()
