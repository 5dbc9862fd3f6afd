"""What is printed: a row for each attack, kind of host and family, and the totals."""

from typing import Any

HEAD = (f"{'attack':<31}{'host':<10}{'IP':<4}{'requests':>9}{'wrong':>7}{'lost':>6}{'again':>7}{'SYN':>5}{'p50':>8}{'p99':>9}"
        f"{'RssAnon':>9}  verdict")


class Row:
    """One attack on one kind of host by one family, or its counter-proof."""

    def __init__(self, found: dict[str, Any]):
        """Has what the stage has found."""
        self.found = found
        self.faults = list(self._faults())
        found["faults"] = self.faults

    def _faults(self) -> list[str]:
        """Why it has not passed."""
        found = self.found
        if "error" in found:
            return [found["error"]]
        victims = found["victims"]
        if found["proof"]:
            return [] if found["gained"] else ["the attack fails even without its defence: it proves nothing"]
        faults = [found["gained"]] if found["gained"] else []
        if victims.get("wrong"):
            faults.append(f"{victims['wrong']} answers are another's")
        if victims.get("failed"):
            faults.append(f"{victims['failed']} requests are lost")
        if victims.get("reconnected") and not found["ends_connections"]:
            faults.append(f"{victims['reconnected']} kept connections were ended")
        if not found["processes"]:
            faults.append("the server has ended")
        return faults + (victims.get("complaints", [])[:2] if faults else [])

    @property
    def counts(self) -> bool:
        """Whether its victims' requests are part of the figure."""
        return not self.found["proof"] and "victims" in self.found

    def text(self) -> str:
        """A line, and more where something is wrong."""
        found, victims = self.found, self.found.get("victims", {})
        name = found["attack"] + (" (without)" if found["proof"] else "")
        figures = [f"{victims.get(key, ''):>{width}}" for key, width in (
            ("requests", 9), ("wrong", 7), ("failed", 6), ("reconnected", 7), ("retransmitted", 5))]
        times = [f"{victims[key] / 1000:>{width - 3}.1f} ms" if victims else " " * width for key, width in (("p50", 8), ("p99", 9))]
        memory = f"{found['memory'] / 1024:>5.0f} MiB" if found.get("memory") else " " * 9
        if self.faults:
            verdict = "FAILED"
        else:
            verdict = "succeeds" if found["proof"] else "held"
        line = f"{name:<31}{found['host']:<10}{found['family']:<4}" + "".join([*figures, *times, memory]) + f"  {verdict}"
        if found["proof"] and not self.faults:
            line += f": {found['gained']}"
        if found.get("tries", 1) > 1:
            line += f" (try {found['tries']})"
        return "\n".join([line, *(f"    {fault.strip()}" for fault in self.faults)])


def totals(rows: list[Row]) -> dict[str, int]:
    """The sums over all rows."""
    victims = [row.found["victims"] for row in rows if row.counts and row.found["victims"]]
    found = {key: sum(one[key] for one in victims)
             for key in ("requests", "wrong", "failed", "reconnected", "retransmitted", "connections")}
    return {"victims_requests": found.pop("requests"), "victims_wrong": found.pop("wrong"), "victims_lost": found.pop("failed"), **found,
            "slowest_p99": max((one["p99"] for one in victims), default=0),
            "memory": max((row.found.get("memory", 0) for row in rows), default=0),
            "passed": sum(not row.faults for row in rows), "failed": sum(bool(row.faults) for row in rows),
            "proofs": sum(row.found["proof"] for row in rows)}


def last_lines(rows: list[Row], found: dict[str, int], seconds: float) -> str:
    """The rows that have failed once more, for there are hundreds of others, and the totals in words."""
    failed = "".join(f"\n{row.text()}" for row in rows if row.faults)
    return (f"{failed}\n{found['victims_requests']:,} requests under attack, {found['victims_wrong']} wrong, {found['victims_lost']} lost; "
            f"{found['connections']:,} connections, {found['retransmitted']} whose SYN was sent again, {found['reconnected']} made anew; "
            f"largest p99 {found['slowest_p99'] / 1000:.0f} ms, largest RssAnon {found['memory'] / 1024:.0f} MiB; {seconds:.0f} s\n"
            f"{found['passed']} passed, {found['failed']} failed ({found['proofs']} of them counter-proofs)")
