"""Session tokens: what it costs to check one and to give one, and that none is kept."""

import contextlib
import os

import hypervisor
import lab
import load
import servers

TOKEN_PATH = "/latest/api/token"
LIFETIME = "X-aws-ec2-metadata-token-ttl-seconds: 21600"
# Until then memory may grow: buffers, and what libraries make of themselves at the first time.
WARMING_UP = 10_000
# What the allocator may hold more, in KiB: pages, and not tokens, of which ten million would be a gigabyte.
TOLERATED_GROWTH = 512


@contextlib.contextmanager
def serving(options, place):
    """A server, and a token of its guest."""
    path = f"{place}/tokens"
    os.makedirs(path, exist_ok=True)
    with servers.VirtMetadata(
            "virt-metadata", 80, options.program, hypervisor.node_file(path), path, options.cores[0],
            connections=options.connections) as server:
        server.wait()
        token = lab.call(
            "ip", "netns", "exec", server.guest, "curl", "-sS", "--fail", "-X", "PUT", "-H", LIFETIME, server.origin + TOKEN_PATH)
        yield server, token


def rates(options, place, tell):
    """The rates of both, beside twice the same request without a token, all to one server."""
    with serving(options, place) as (server, token):
        kinds = [
            servers.Asking("GET with a token", server, fields=(f"X-aws-ec2-metadata-token: {token}",)),
            servers.Asking("GET A", server),
            servers.Asking("GET B", server),
            servers.Asking("PUT", server, TOKEN_PATH, "PUT", (LIFETIME,)),
        ]
        return load.rounds(kinds, options, tell)


def flood(options, place, tell):
    """The memory of a server after the first tokens and after very many."""
    with serving(options, place) as (server, _):
        asking = servers.Asking("PUT", server, TOKEN_PATH, "PUT", (LIFETIME,))

        def give(wanted, seconds):
            given = 0
            while given < wanted:
                sample = load.shoot(asking, load.KEEP_ALIVE, seconds, options.connections, options.cores[1])
                if any(sample.errors.values()) or not sample.rate:
                    raise lab.Failure(f"a flood of requests for tokens: {sample}")
                given += int(sample.rate * seconds)
                tell(f"{given:,} of {wanted:,} tokens")
            return given

        first = give(WARMING_UP, 1)
        before = server.memory()
        rest = give(options.puts, 10 if options.puts > 1_000_000 else 1)
        return {"first": first, "given": first + rest, "before": before, "after": server.memory()}
