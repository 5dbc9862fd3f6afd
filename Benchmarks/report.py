"""What is printed and judged: a plain table, and a verdict where something is promised."""

import dataclasses
import statistics

import fairness
import load

# The least that our server may do on a guarded bridge for each request that nginx answers from a file, a connection each.
BESIDE_FILE = 0.95
# What a request may cost, by what it costs another server: in processor time, over loopback.
COSTS = {
    load.KEEP_ALIVE: {"bare NIO": 1.15, "nginx A": 0.9},
    load.CLOSING: {"bare NIO": 1.1, "Go": 1.0, "nginx A": 1.0},
}
# The least that it may do with structural identity and guard for each request that it does without.
BESIDE_UNGUARDED = 0.97
# The least that it may do of requests with a token, or for one, for each request without.
BESIDE_TOKENLESS = 0.85
# The least that it may do of documents for each that nginx reads from a file.
DOCUMENTS_BESIDE_NGINX = 0.8
# Where nginx differs from itself by more than this, the machine was too busy to say anything.
TOLERATED_SPREAD = 0.1
# How far instructions per request may differ from those with one domain.
FLATNESS = 0.01
# The most memory of its own that the server has at rest with the fewest domains, in KiB.
AT_REST = 8 * 1024
# The most that a domain adds to that beyond what its operator wrote, in bytes.
BY_DOMAIN = 4096
# The most processor time that a domain's change may cost the server besides libvirt's calls, in microseconds, and by how much it may
# exceed that with the fewest domains.
BY_CHANGE = 1000
FLATNESS_OF_CHANGES = 0.5
# The longest that 99 of 100 requests of a boot storm may take, in microseconds.
IN_A_STORM = 250_000
# How much longer 99 of 100 requests of quiet guests may take while another floods: so many times as long, or so many microseconds.
FLOODED_TIMES, FLOODED_MORE = 2, 5000


# The least of its throughput that traffic between guests is to keep.
TRAFFIC = 0.97


@dataclasses.dataclass
class Verdict:
    """Whether one promise was kept."""

    promise: str
    holds: bool
    facts: dict

    def __str__(self):
        return f"{'holds' if self.holds else 'FAILS'}: {self.promise}"


def beside(promise, wanted, ours, first, second):
    """Judges our rate by that of two that are alike, and the run by what these two differ from each other.

    In each round ours is divided by the mean of the two, and the second by the first. Of both, the median over the rounds counts.
    The spread is the larger of two figures: how far the median of second by first is from one, and how far a round typically
    (median absolute deviation) is from that median.
    """
    ratio = statistics.median(o / ((a + b) / 2) for o, a, b in zip(ours.rates, first.rates, second.rates))
    itself = [b / a for a, b in zip(first.rates, second.rates)]
    own = statistics.median(itself)
    scatter = statistics.median(abs(value - own) for value in itself)
    spread = max(abs(1 - own), scatter)
    facts = {"promise": promise, "ratio": ratio, "b_to_a": own, "scatter": scatter, "spread": spread, "wanted": wanted - spread}
    text = (f"{promise}: {ratio:.3f}; wanted {wanted} less the spread, {wanted - spread:.3f} (B to A {own:.3f}, scatter {scatter:.3f})")
    if spread > TOLERATED_SPREAD:
        return Verdict(text + "; the machine was too busy to tell", False, facts)
    return Verdict(text, ratio >= wanted - spread, facts)


def costs(mode, series):
    """Judges what a request costs by what it costs others, round by round; nginx stands there twice, and shows the spread."""
    by_name = {one.name: one for one in series}
    ours, first, second = by_name["virt-metadata"], by_name["nginx A"], by_name["nginx B"]
    spread = statistics.median(abs(1 - b / a) for a, b in zip(first.costs, second.costs))
    for name, wanted in COSTS[mode].items():
        ratio = statistics.median(o / p for o, p in zip(ours.costs, by_name[name].costs))
        text = f"{mode}: processor time of a request by {name}'s {ratio:.2f}; wanted {wanted} at most, plus the spread {spread:.2f}"
        yield Verdict(text, ratio <= wanted + spread, {"mode": mode, "peer": name, "ratio": ratio, "spread": spread, "wanted": wanted})


def flat(mode, counts):
    """Judges instructions per request by those with the fewest domains."""
    least = counts[min(counts)]
    off = {domains: count / least - 1 for domains, count in counts.items() if domains != min(counts)}
    text = ", ".join(f"{value:+.2%} with {domains:,} domains" for domains, value in off.items())
    return Verdict(
        f"{mode}: instructions per request {text}; wanted within {FLATNESS:.0%}",
        all(abs(value) <= FLATNESS for value in off.values()), {"mode": mode, "difference": off})


def forgetful(found, tolerated):
    """Judges that tokens cost no memory."""
    growth = found["after"]["RssAnon"] - found["before"]["RssAnon"]
    text = (f"RssAnon grew by {growth:,} KiB from {found['first']:,} tokens to {found['given']:,} "
            f"(from {found['before']['RssAnon'] / 1024:.1f} MiB); wanted {tolerated} KiB at most")
    return Verdict(text, growth <= tolerated, {"growth": growth})


def without_errors(everything):
    """Judges that every request of every round was answered, and with 200."""
    faults = [
        f"{mode}, {fault}" for result in everything for mode, all_of in result.items() for one in all_of for fault in one.faults()
    ]
    text = "every request answered with 200" + "".join(f"\n         void: {fault}" for fault in faults)
    return Verdict(text, not faults, {"void": faults})


def _lines(title, heads, rows):
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    yield title
    for row in [heads, *rows]:
        yield "  " + "  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
    yield ""


def rates(title, result):
    """A table of rates, latencies and memory."""
    heads = ["", "requests/s", "lowest", "highest", "CPU µs", "p50 µs", "p99 µs", "VmRSS MiB", "RssAnon MiB"]
    for mode, all_of in result.items():
        rows = [
            [one.name, f"{one.median('rate'):,.0f}", f"{min(one.rates):,.0f}", f"{max(one.rates):,.0f}", f"{one.median('cost'):.1f}",
             f"{one.median('p50'):,.0f}", f"{one.median('p99'):,.0f}",
             f"{one.memory['VmRSS'] / 1024:.1f}", f"{one.memory['RssAnon'] / 1024:.1f}"]
            for one in all_of
        ]
        yield from _lines(f"{title}, {mode}", heads, rows)


def connections(result):
    """A table of what a connection takes."""
    rows = [
        [name, f"{count:,}", f"{of['at rest']:,.0f}", f"{of['begun']:,.0f}"] for (name, count), of in result.items()
    ]
    yield from _lines("Memory of a connection, RssAnon in bytes", ["", "connections", "at rest", "with a request begun"], rows)


def traffic(result):
    """A table of what guests send each other."""
    heads = ["", "Gbit/s", "lowest", "highest"]
    for name, all_of in result.items():
        rows = [
            [one.name, f"{one.median('rate') / 1e9:.2f}", f"{min(one.rates) / 1e9:.2f}", f"{max(one.rates) / 1e9:.2f}"] for one in all_of]
        yield from _lines(f"From guest to guest, {name}", heads, rows)


def counts(result):
    """A table of instructions per request."""
    domains = sorted(next(iter(result.values())))
    rows = [[mode, *(f"{of[number]:,.0f}" for number in domains)] for mode, of in result.items()]
    yield from _lines("Instructions per request, by domains", ["", *(f"{number:,}" for number in domains)], rows)


def scale(result):
    """A table of what the number of domains costs."""
    heads = [
        "domains", "first answer, ms", "all read, ms", "VmRSS MiB", "RssAnon MiB", "a change, µs", "less libvirt", "a restart, µs",
        "less libvirt", "until served, ms"]
    rows = [
        [f"{domains:,}", f"{of['first']:,.0f}", f"{of['complete']:,.0f}", f"{of['memory']['VmRSS'] / 1024:.1f}",
         f"{of['memory']['RssAnon'] / 1024:.1f}", f"{of['change']['all']:,.0f}", f"{of['change']['own']:,.0f}",
         f"{of['restart']['all']:,.0f}", f"{of['restart']['own']:,.0f}", f"{of['wait']:.1f}"]
        for domains, of in sorted(result.items())]
    yield from _lines("By domains, from the start", heads, rows)


def scaled(result, written):
    """Judges memory and changes by the number of domains; `written` is how many bytes each operator wrote."""
    least, memory = min(result), {domains: of["memory"]["RssAnon"] for domains, of in result.items()}
    yield Verdict(
        f"RssAnon at rest with {least:,} domain{'s' * (least > 1)}: {memory[least] / 1024:.1f} MiB; wanted {AT_REST / 1024:.0f} at most",
        memory[least] <= AT_REST, {"memory": memory[least]})
    for domains in sorted(result)[1:]:
        growth = (memory[domains] - memory[least]) * 1024 / (domains - least)
        yield Verdict(
            f"RssAnon grows by {growth:,.0f} bytes a domain up to {domains:,}; wanted {BY_DOMAIN:,} at most beyond the {written:,} that "
            "its operator wrote", growth - written <= BY_DOMAIN, {"domains": domains, "growth": growth})
    for kind in ("change", "restart"):
        costs = {domains: of[kind]["own"] for domains, of in sorted(result.items())}
        most = min(BY_CHANGE, (1 + FLATNESS_OF_CHANGES) * costs[least])
        text = ", ".join(f"{cost:,.0f} µs with {domains:,}" for domains, cost in costs.items())
        yield Verdict(
            f"a domain's {kind} costs, besides libvirt's calls, {text}; wanted {most:,.0f} at most", max(costs.values()) <= most,
            {kind: costs})


def storm(name, found):
    """What a boot storm was like."""
    yield (f"{name}: {found['guests']:,} guests that boot, {found['at once']:,} at a time, {found['passed']:,} starts and stops of others: "
           f"{found['requests']:,} requests in {found['seconds']:.1f} s, p50 {found['p50'] / 1000:.1f} ms, "
           f"p99 {found['p99'] / 1000:.1f} ms, longest {found['longest'] / 1000:.1f} ms, failed {found['failed']:,}; RssAnon {found['memory']['RssAnon'] / 1024:.1f} MiB")
    yield ""


def storm_beside(command, found):
    """A table of the same crawls of ours and of another server."""
    heads = ["", "requests", "failed", "s", "p50 ms", "p99 ms"]
    rows = [
        [name, f"{of['requests']:,}", f"{of['failed']:,}", f"{of['seconds']:.2f}", f"{of['p50'] / 1000:.1f}", f"{of['p99'] / 1000:.1f}"]
        for name, of in found.items()]
    yield from _lines(f"A hundred crawls of one instance, beside {command}", heads, rows)


def stormed(found):
    """Judges a boot storm."""
    faults = "".join(f"\n         {one}" for one in found["faults"])
    facts = {key: found[key] for key in ("failed", "p99")}
    yield Verdict(f"in a boot storm no request fails: {found['failed']:,} of {found['requests']:,} did{faults}", not found["failed"], facts)
    yield Verdict(
        f"in a boot storm p99 is {found['p99'] / 1000:.1f} ms; wanted {IN_A_STORM / 1000:.0f} at most", found["p99"] <= IN_A_STORM, facts)


def floods(result):
    """A table of what quiet guests found while another flooded."""
    heads = ["", "p50 µs", "p99 µs", "lowest", "highest", "longest µs", "failed", "flood: connections/s", "open"]
    rows = []
    for flood, rounds in result.items():
        p99 = [one["p99"] for one in rounds]
        rows.append(
            [flood or "no flood", f"{fairness.typical(rounds, 'p50'):,.0f}", f"{fairness.typical(rounds, 'p99'):,.0f}", f"{min(p99):,}",
             f"{max(p99):,}", f"{max(one['longest'] for one in rounds):,}", f"{sum(one['failed'] for one in rounds):,}",
             *((f"{fairness.typical(rounds, 'flood'):,.0f}", f"{fairness.typical(rounds, 'open'):,.0f}") if flood else ("", ""))])
    yield from _lines(f"{fairness.QUIET} quiet guests beside one that floods", heads, rows)


def fair(result):
    """Judges what quiet guests feel of each flood."""
    quiet = fairness.typical(result[None], "p99")
    # How far a round without a flood typically is from that.
    scatter = statistics.median(abs(one["p99"] - quiet) for one in result[None])
    most = max(FLOODED_TIMES * quiet, quiet + FLOODED_MORE) + scatter
    for flood, rounds in result.items():
        if not flood:
            continue
        found, failed = fairness.typical(rounds, "p99"), sum(one["failed"] for one in rounds)
        yield Verdict(
            f"{flood}: p99 of quiet guests {found / 1000:.1f} ms, without {quiet / 1000:.1f} (scatter {scatter / 1000:.1f}); wanted {most / 1000:.1f} at most"
            + (f"; {failed:,} of their requests failed" if failed else ""), found <= most and not failed, {"flood": flood, "p99": found})


def crawls(result):
    """A table of how long whole crawls take."""
    heads = ["", "requests", "ms", "nginx, ms", "Go, ms"]
    rows = [[tree, f"{of['requests']}", f"{of['ours']:.1f}", f"{of['nginx']:.1f}", f"{of['Go']:.1f}"] for tree, of in result.items()]
    yield from _lines("One whole crawl, a connection per request", heads, rows)


def another(command, found):
    """A table of single requests to ours and to another server."""
    heads = ["", "ours, ms", "other, ms", "ratio"]
    rows = [[name, f"{of['ours']:.2f}", f"{of['other']:.2f}", f"{of['ratio']:.1f}"] for name, of in found.items()]
    yield from _lines(f"One request after the other, beside {command}", heads, rows)


def crowd(found):
    """A line of what a crowd of guests saw."""
    yield (f"{found['guests']} guests at once: {found['requests']:,} requests in {found['seconds']:.1f} s, "
           f"p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms, failed {len(found['failures'])}")
    yield ""


def nobody_failed(found):
    """Judges that every guest of the crowd read all that it was to read."""
    text = f"{found['guests']} guests that crawl at once are all answered" + "".join(f"\n         {one}" for one in found["failures"][:10])
    return Verdict(text, not found["failures"], {"failures": len(found["failures"])})
