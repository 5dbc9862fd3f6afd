"""What a connection takes of a server's own memory, at rest and with a request that has begun, over loopback."""

import contextlib
import os
import resource
import socket

import hypervisor
import lab
import servers

# How many connections are open at a time, and in a smoke run.
COUNTS, FEW = (1000, 8192), (100, 1000)
# The request that has begun is nearly whole, as large as a cloud agent's.
BEGUN = (
    f"GET {servers.PATH} HTTP/1.1\r\nHost: {lab.METADATA_ADDRESS}\r\nUser-Agent: Cloud-Init/25.1.4\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n").encode()
# Requests before anything is measured: what is used for the first time takes memory that no connection does.
WARMING_UP = 200


def measure(options, place, tell):
    """Bytes by connection: by server, number of connections and state."""
    path = f"{place}/connections"
    os.makedirs(path)
    neighbours = hypervisor.write(f"{path}/neighbours", f"{lab.METADATA_ADDRESS} 0x1 0x2 {lab.GUEST_MAC} * lo\n")
    counts = FEW if options.quick else COUNTS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * max(counts):
        raise lab.Failure(f"{2 * max(counts)} open files are needed, and {hard} allowed: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    core = options.cores[0]
    makers = [
        lambda: servers.VirtMetadata(
            "virt-metadata", 80, options.program, hypervisor.node_file(path), path, core, connections=max(counts),
            host=lab.LOOPBACK, more=("--neighbours", neighbours, "--connections", str(max(counts) + 1000))),
        lambda: servers.Nginx("nginx", 8081, core, path, host=lab.LOOPBACK),
        lambda: servers.BareNIO(8083, options.nio, core, path, lab.LOOPBACK),
        lambda: servers.Go(8084, options.go, core, path, lab.LOOPBACK),
    ]
    found = {}
    for make in makers:
        for count in counts:
            with make() as server:
                server.wait()
                servers.read(server.port, WARMING_UP, guest=server.guest)
                servers.read(server.port, WARMING_UP, closing=True, guest=server.guest)
                found[server.name, count] = _fill(server, count)
            tell(f"{server.name}: {count:,} connections, {found[server.name, count]}")
            # The next one writes its files anew.
            path = f"{place}/connections/{len(found)}"
            os.makedirs(path)
    return found


def _fill(server, count):
    before = server.memory()["RssAnon"]
    with contextlib.ExitStack() as stack, lab.guest(server.guest):
        connections = [stack.enter_context(servers.connect(server.port)) for _ in range(count)]
        # When the last one is answered all have been accepted.
        servers.ask(connections[-1])
        rest = server.memory()["RssAnon"]
        for connection in connections:
            connection.sendall(BEGUN)
        with servers.connect(server.port) as another:
            servers.ask(another)
        begun = server.memory()["RssAnon"]
        for connection in connections:
            # No port waits two minutes for the next ones.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return {"at rest": (rest - before) * 1024 / count, "begun": (begun - before) * 1024 / count}
