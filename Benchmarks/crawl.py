"""Whole crawls, as cloud-init makes them: of one guest beside nginx with the same bodies, and of a crowd of guests at once."""

import concurrent.futures
import os
import socket
import statistics
import threading
import time

import hypervisor
import lab
import servers

# What cloud-init asks of each tree: where it begins, and what it reads besides what listings name.
TREES = {"EC2": ["/2009-04-04/meta-data/", "/2009-04-04/user-data"], "OpenStack": [
    "/openstack", *(f"/openstack/latest/{name}" for name in ("meta_data.json", "user_data", "vendor_data.json", "vendor_data2.json"))],
    "NoCloud": [f"/nocloud/{name}" for name in ("meta-data", "user-data", "vendor-data", "network-config")]}
CROWD = 200
# The longest that a guest of the crowd waits for one reply, in seconds.
PATIENCE = 60


def get(port, path):
    """One request on a connection of its own; the status and the body."""
    with socket.create_connection((lab.METADATA_ADDRESS, port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {lab.METADATA_ADDRESS}\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if head else 0, body


def walk(port, begin):
    """What a guest reads that begins so, and follows each listing, by path."""
    found, rest = {}, list(begin)
    while rest:
        path = rest.pop(0)
        status, body = get(port, path)
        if status != 200:
            continue
        found[path] = body
        if path.endswith("/"):
            names = [name.split("=")[0] + "/" if "=" in name else name for name in body.decode().splitlines()]
            # The keys' own listing numbers them; each has one format here.
            rest += [path + name for name in names]
    return found


def crawl(port, paths):
    """Seconds that it takes to read all paths, one after the other."""
    began = time.monotonic()
    for path in paths:
        status, _ = get(port, path)
        if status != 200:
            raise lab.Failure(f"port {port} answers {path} with {status}")
    return time.monotonic() - began


def beside_others(options, place):
    """By tree: requests, and milliseconds of ours, of nginx's and of Go's, all medians."""
    path = f"{place}/crawl"
    os.makedirs(path)
    ours = servers.VirtMetadata("virt-metadata", 80, options.program, hypervisor.node_file(path), path, options.cores[0], bridge=lab.BRIDGE)
    with ours:
        ours.wait()
        with lab.guest():
            trees = {tree: walk(ours.port, begin) for tree, begin in TREES.items()}
        files = {path: body for bodies in trees.values() for path, body in bodies.items()}
        with servers.Nginx("nginx", 8083, options.cores[0], path, files) as nginx, servers.Go(
                8084, options.go, options.cores[0], path, files=files) as go:
            nginx.wait()
            go.wait()
            result = {}
            for tree, bodies in trees.items():
                with lab.guest():
                    turns = [[crawl(server.port, bodies) for server in (ours, nginx, go)] for _ in range(10 * options.rounds)]
                result[tree] = {"requests": len(bodies)} | {
                    name: 1000 * statistics.median(turn[index] for turn in turns) for index, name in enumerate(("ours", "nginx", "Go"))}
            return result


def crowd(options, place):
    """Guests in namespaces of their own, that all crawl both trees at the same moment."""
    path = f"{place}/crowd"
    os.makedirs(path)
    hypervisor.plug(CROWD - 1)
    uri = hypervisor.node_file(path, CROWD)
    with servers.VirtMetadata("virt-metadata", 80, options.program, uri, path, options.cores[0], bridge=lab.BRIDGE) as server:
        server.wait()
        with lab.guest():
            paths = [path for begin in TREES.values() for path in walk(server.port, begin)]
        times, failures, start = [], [], threading.Barrier(CROWD)

        def one(number):
            wanted = hypervisor.instance_id(number)
            with lab.guest(hypervisor.namespace(number)):
                start.wait(PATIENCE)
                for path in [*paths, servers.PATH]:
                    began = time.monotonic()
                    try:
                        status, body = get(server.port, path)
                    except OSError as error:
                        status, body = 0, str(error).encode()
                    times.append(time.monotonic() - began)
                    if status != 200 or path == servers.PATH and body.decode() != wanted:
                        failures.append(f"guest {number}, {path}: {status} {body[:80]!r}")

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
            list(pool.map(one, range(CROWD)))
        hundredths = statistics.quantiles(times, n=100)
        return {
            "guests": CROWD, "requests": len(times), "seconds": time.monotonic() - began, "failures": failures,
            "p50": 1000 * hundredths[49], "p99": 1000 * hundredths[98],
        }
