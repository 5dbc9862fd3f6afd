"""Measures the server beside nginx, and by the number of domains; see docs/dev/performance.md."""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import signal
import sys
import time

import connections
import crawl
import documents
import fairness
import hypervisor
import instructions
import lab
import load
import report
import scale
import servers
import storm
import tokens
import traffic


PARTS = [
    "nginx", "loopback", "connections", "guard", "traffic", "tokens", "documents", "crawl", "crowd", "domains", "instructions", "scale", "storm",
    "fairness"]


def numbers(text):
    return [int(number) for number in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short round, few domains, figures without worth")
    parser.add_argument("--rounds", type=int, help="rounds of load; default 7")
    parser.add_argument("--seconds", type=int, help="how long each server is loaded in a round; default 5")
    parser.add_argument("--connections", type=int, default=32, help="connections that wrk keeps busy; default 32")
    parser.add_argument("--cores", type=numbers, help="the servers' core and wrk's; default the first two")
    parser.add_argument("--domains", type=numbers, help="numbers of domains; default 1,1000,10000")
    parser.add_argument("--most-domains", type=int, help="how many domains several libvirtds have together; default 100,000")
    parser.add_argument("--guests", type=int, help="guests of the boot storm; default 10,000")
    parser.add_argument("--at-once", type=int, default=1000, help="how many of them boot at a time; default 1,000")
    parser.add_argument("--requests", type=int, default=500, help="requests in a run under callgrind; default 500")
    parser.add_argument("--puts", type=int, help="session tokens whose memory is measured; default 10,000,000")
    parser.add_argument("--batches", type=int, help="such runs; default 3")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument(
        "--beside", metavar="COMMAND",
        help="ask this server for the documents too, and crawl it after the storm; {address} and {port} are where it is to listen")
    parser.add_argument("--program", default=".build/release/virt-metadata", help="the server; built unless given")
    parser.add_argument("--nio", default=".build/release/BareNIO", help="the peer on bare NIO; built unless given")
    parser.add_argument("--go", default=".build/go-peer", help="the peer on Go's net/http; built unless given")
    parser.add_argument("--profiles", metavar="DIR", help="keep callgrind's profiles, for callgrind_annotate")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    for name, full, quick in [
            ("puts", 10_000_000, 20_000), ("rounds", 7, 1), ("seconds", 5, 1), ("batches", 3, 1), ("domains", [1, 1000, 10000], [1, 100]),
            ("most_domains", 100_000, 800), ("guests", 10_000, 200)]:
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    available = sorted(os.sched_getaffinity(0))
    options.cores = options.cores or available[:2]
    if len(set(options.cores)) != 2 or not set(options.cores) <= set(available):
        parser.error(f"two cores are needed, of {available}: one for the server, one for wrk")
    if min(options.rounds, options.seconds, options.connections, options.requests, options.batches, *options.domains) < 1:
        parser.error("every number must be at least 1")
    if max(options.domains) > 16384:
        parser.error("libvirt lists no more than 16,384 domains")
    options.program, options.nio, options.go = (os.path.abspath(path) for path in (options.program, options.nio, options.go))
    return options


def tell(text):
    """Says how far it is, apart from the results."""
    print(f"  {text}", file=sys.stderr, flush=True)


def measure_beside_nginx(options, place):
    """Ours as it stands on a bridge, guard and all; nginx twice, each with a file and without, on a host that has no such rules."""
    core, path = options.cores[0], f"{place}/nginx"
    os.makedirs(path)
    with contextlib.ExitStack() as stack:
        contestants = [
            stack.enter_context(servers.VirtMetadata(
                "virt-metadata", 80, options.program, hypervisor.node_file(path), path, core, connections=options.connections,
                bridge=lab.BRIDGE)),
            *(stack.enter_context(servers.Nginx(f"nginx {name}", port, core, path, host=lab.OTHER_HOST))
              for name, port in (("A", 8081), ("B", 8082))),
        ]
        for server in contestants:
            server.wait()
        contestants += [servers.Asking(f"{nginx.name}, return 200", nginx, nginx.RETURNING) for nginx in contestants[1:]]
        for peer in peers(options, path, lab.OTHER_HOST):
            contestants.append(stack.enter_context(peer))
            peer.wait()
        return load.rounds(contestants, options, tell)


def peers(options, path, host):
    core = options.cores[0]
    return [servers.BareNIO(8083, options.nio, core, path, host), servers.Go(8084, options.go, core, path, host)]


def measure_over_loopback(options, place):
    """What a request costs in processor time, ours and others', with next to nothing of the network."""
    core, path = options.cores[0], f"{place}/loopback"
    os.makedirs(path)
    neighbours = hypervisor.write(f"{path}/neighbours", f"{lab.METADATA_ADDRESS} 0x1 0x2 {lab.GUEST_MAC} * lo\n")
    with contextlib.ExitStack() as stack:
        contestants = [
            servers.VirtMetadata(
                "virt-metadata", 80, options.program, hypervisor.node_file(path), path, core, connections=options.connections,
                host=lab.LOOPBACK, more=("--neighbours", neighbours)),
            *(servers.Nginx(f"nginx {name}", port, core, path, host=lab.LOOPBACK) for name, port in (("A", 8081), ("B", 8082))),
            *peers(options, path, lab.LOOPBACK),
        ]
        for server in contestants:
            stack.enter_context(server)
        for server in contestants:
            server.wait()
        return load.rounds(contestants, options, tell)



def measure_guard(options, place):
    """The same server with structural identity and guard, and twice on another host without."""
    core, path = options.cores[0], f"{place}/guard"
    os.makedirs(path)
    uri = hypervisor.node_file(path)
    with contextlib.ExitStack() as stack:
        contestants = [
            stack.enter_context(servers.VirtMetadata(
                "port and guard", 80, options.program, uri, path, core, connections=options.connections, bridge=lab.BRIDGE)),
            *(stack.enter_context(servers.VirtMetadata(
                f"MAC alone {name}", port, options.program, uri, path, core, connections=options.connections, host=lab.OTHER_HOST))
              for name, port in (("A", 80), ("B", 81))),
        ]
        for server in contestants:
            server.wait()
        return load.rounds(contestants, options, tell, [load.CLOSING])


def measure_by_domains(options, place, libvirtds):
    path = f"{place}/domains"
    os.makedirs(path)
    with contextlib.ExitStack() as stack:
        contestants = []
        for number, daemon in enumerate(libvirtds):
            name = f"{daemon.domains:,} domain" + "s" * (daemon.domains > 1)
            contestants.append(stack.enter_context(servers.VirtMetadata(
                name, 8100 + number, options.program, daemon.uri, path, options.cores[0], connections=options.connections)))
            contestants[-1].wait(instructions.PATIENCE)
        return load.rounds(contestants, options, tell)


def runtime(program):
    """Whether Swift's runtime is in the program, or in libraries of their own."""
    return "dynamic" if "libswiftCore" in lab.call("ldd", program) else "static"


def machine(options):
    """What the figures were measured on and with, without names."""
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        model = next((line.split(":", 1)[1].strip() for line in text if line.startswith("model name")), platform.machine())
    release = lab.call("sh", "-c", ". /etc/os-release; echo $PRETTY_NAME").strip()
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()), "cores": len(os.sched_getaffinity(0)), "processor": model,
        "kernel": platform.release().split("-")[0], "system": release, "load before": round(os.getloadavg()[0], 2),
        **{package: lab.call("dpkg-query", "--show", "--showformat=${Version}", package)
           for package in ("nginx-light", "wrk", "valgrind", "libvirt-daemon", "golang-go")},
        "runtime": runtime(options.program), "rounds": options.rounds, "seconds": options.seconds, "connections": options.connections,
    }


def measure(options):
    """Measures all that is asked for, prints it, and says whether every promise was kept."""
    found = {"machine": machine(options)}
    print("\n".join(f"{key}: {value}" for key, value in found["machine"].items()) + "\n", flush=True)
    verdicts, loads = [], []

    def show(lines):
        print("\n".join(lines), flush=True)

    with lab.directory() as place, contextlib.ExitStack() as stack:
        lab.build_network()
        if options.only in (None, "nginx"):
            found["nginx"] = measure_beside_nginx(options, place)
            loads.append(found["nginx"])
            show(report.rates("Beside nginx", found["nginx"]))
            ours, file_a, file_b = found["nginx"][load.CLOSING][:3]
            promise = f"{load.CLOSING}, guarded bridge: requests by nginx's of a file"
            verdicts.append(report.beside(promise, report.BESIDE_FILE, ours, file_a, file_b))
        if options.only in (None, "nginx", "loopback"):
            found["loopback"] = measure_over_loopback(options, place)
            loads.append(found["loopback"])
            show(report.rates("Over loopback", found["loopback"]))
            for mode, series in found["loopback"].items():
                verdicts += report.costs(mode, series)
        if options.only in (None, "connections"):
            held = connections.measure(options, place, tell)
            found["connections"] = {f"{name}, {count}": of for (name, count), of in held.items()}
            show(report.connections(held))
        if options.only in (None, "guard"):
            found["guard"] = measure_guard(options, place)
            loads.append(found["guard"])
            show(report.rates("Structural identity and guard", found["guard"]))
            verdicts += [
                report.beside(f"{mode}: requests with port and guard by those without", report.BESIDE_UNGUARDED, *of)
                for mode, of in found["guard"].items()]
        if options.only in (None, "guard", "traffic"):
            rates = traffic.measure(options, place, tell)
            found["traffic"] = {f"{kind}, {taps} taps": of for (taps, kind), of in rates.items()}
            show(report.traffic(found["traffic"]))
            verdicts += [
                report.beside(f"{name}: throughput from guest to guest by that without our rules", report.TRAFFIC, *of)
                for name, of in found["traffic"].items() if traffic.FILTERED not in name]
        if options.only in (None, "tokens"):
            found["tokens"] = tokens.rates(options, place, tell)
            loads.append(found["tokens"])
            show(report.rates("Session tokens", found["tokens"]))
            for mode, (checked, first, second, given) in found["tokens"].items():
                for what, series in (("GET with a token", checked), ("PUT of a token", given)):
                    promise = f"{mode}: {what} by GET without"
                    verdicts.append(report.beside(promise, report.BESIDE_TOKENLESS, series, first, second))
            found["flood"] = tokens.flood(options, place, tell)
            verdicts.append(report.forgetful(found["flood"], tokens.TOLERATED_GROWTH))
        if options.only in (None, "documents"):
            found["documents"], found["another"] = documents.beside_nginx(options, place, tell)
            if found["another"]:
                show(report.another(options.beside, found["another"]))
            for name, result in found["documents"].items():
                loads.append(result)
                show(report.rates(name, result))
                verdicts += [
                    report.beside(f"{name}, {mode}: requests by nginx's", report.DOCUMENTS_BESIDE_NGINX, *of)
                    for mode, of in result.items()]
        if options.only in (None, "crawl"):
            tell("crawling beside nginx and Go")
            found["crawl"] = crawl.beside_others(options, place)
            show(report.crawls(found["crawl"]))
        if options.only in (None, "crowd"):
            tell(f"plugging {crawl.CROWD} guests in")
            found["crowd"] = crawl.crowd(options, place)
            show(report.crowd(found["crowd"]))
            verdicts.append(report.nobody_failed(found["crowd"]))
        if options.only in (None, "domains", "instructions", "scale"):
            tell(f"creating {', '.join(f'{count:,}' for count in options.domains)} domains")
            libvirtds = [stack.enter_context(hypervisor.Libvirtd(place, count)) for count in options.domains]
        if options.only in (None, "domains"):
            found["domains"] = measure_by_domains(options, place, libvirtds)
            loads.append(found["domains"])
            show(report.rates("By domains", found["domains"]))
        if options.only in (None, "instructions", "scale"):
            tell(f"creating {options.most_domains:,} domains")
            fleets = [*([daemon] for daemon in libvirtds), stack.enter_context(scale.many(place, options.most_domains))]
        if options.only in (None, "instructions"):
            found["instructions"] = instructions.count(options.program, fleets, place, options, tell)
            show(report.counts(found["instructions"]))
            verdicts += [report.flat(mode, of) for mode, of in found["instructions"].items() if len(of) > 1]
        if options.only in (None, "scale"):
            found["scale"] = scale.measure(options, fleets, place, tell)
            show(report.scale(found["scale"]))
            verdicts += report.scaled(found["scale"], len(hypervisor.operators(hypervisor.instance_id(0))))
        if options.only in (None, "storm"):
            found["storm"], found["storm beside"] = storm.measure(options, place, tell)
            for name, of in found["storm"].items():
                show(report.storm(name, of))
            if found["storm beside"]:
                show(report.storm_beside(options.beside, found["storm beside"]))
            verdicts += report.stormed(found["storm"]["virt-metadata"])
        if options.only in (None, "fairness"):
            found["fairness"] = fairness.measure(options, place, tell)
            show(report.floods(found["fairness"]))
            verdicts += report.fair(found["fairness"])
    if loads:
        verdicts.append(report.without_errors(loads))
    for verdict in verdicts:
        print(verdict)
    if options.json:
        found["verdicts"] = verdicts
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2, default=dataclasses.asdict)
    # Figures without worth say nothing about promises.
    return options.quick or all(verdict.holds for verdict in verdicts)


def main():
    # Whoever ends the first process of its namespace ends everything; this lets it say so.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))
    try:
        return 0 if measure(parse()) else 1
    except lab.Failure as failure:
        print(f"Benchmarks/run: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Benchmarks/run: ended before it was done", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
