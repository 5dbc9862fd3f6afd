"""The servers that are compared, each on a port of its own, all on one core, all with the same ten bytes."""

import base64
import json
import os
import socket
import time

import hypervisor
import lab

PATH = "/latest/meta-data/instance-id"


def read(port, count=1, closing=False, guest=lab.GUEST, pause=0):
    """Asks as a guest, one request after the other, and fails unless each reply has the ten bytes.

    With `closing`, each request has a connection of its own, which the server is left to close. There, a pause in
    seconds before the request and after its connection lets the server do each step by itself: otherwise chance decides how many of them one turn
    of its loop does.
    """
    with lab.guest(guest):
        if closing:
            for _ in range(count):
                with connect(port) as connection:
                    time.sleep(pause)
                    ask(connection, closing=True)
                time.sleep(pause)
        else:
            with connect(port) as connection:
                for _ in range(count):
                    ask(connection)


def connect(port):
    """A connection, where this thread's sockets are the guest's."""
    return socket.create_connection((lab.METADATA_ADDRESS, port), timeout=30)


def ask(connection, closing=False):
    """Asks for the ten bytes, and fails unless the reply has them; `closing` asks the server to close, and waits until it has."""
    fields = f"Host: {lab.METADATA_ADDRESS}\r\n" + ("Connection: close\r\n" if closing else "")
    connection.sendall(f"GET {PATH} HTTP/1.1\r\n{fields}\r\n".encode())
    reply = b""
    end = b"\r\n\r\n" + hypervisor.INSTANCE_ID.encode()
    while closing or not reply.endswith(end):
        received = connection.recv(4096)
        reply += received
        if not received or len(reply) > 4096:
            break
    if not reply.startswith(b"HTTP/1.1 200 ") or not reply.endswith(end):
        raise lab.Failure(f"{connection.getpeername()} answers {reply!r}")


class Server(lab.Program):
    """A server under measurement."""

    # Who asks it, and how.
    guest = lab.GUEST
    method = "GET"
    fields = ()

    def __init__(self, name, port, command, log, environment=None):
        super().__init__(name, command, log, environment)
        self.port = port
        self.origin = f"http://{lab.METADATA_ADDRESS}:{port}"
        self.url = f"http://{lab.METADATA_ADDRESS}:{port}{PATH}"

    def move(self, host):
        """Has a guest of another host ask it; the words before its command that start it there."""
        if not host:
            return ()
        self.guest = lab.LOOPBACK if host == lab.LOOPBACK else lab.OTHER_GUEST
        return ("ip", "netns", "exec", host)

    def wait(self, seconds=lab.PATIENCE):
        """Waits until it serves the guest."""

        def serves():
            self.check()
            try:
                read(self.port, guest=self.guest)
            except (OSError, lab.Failure):
                return False
            return True

        lab.wait_until(serves, f"{self.name} serves", seconds)


class Asking:
    """One kind of request to a server that may be asked others as well."""

    def __init__(self, name, server, path=PATH, method="GET", fields=()):
        self.name, self.method, self.fields = name, method, fields
        self.url = server.origin + path
        self.guest, self.port = server.guest, server.port
        self.check, self.memory, self.processor_time = server.check, server.memory, server.processor_time


class Nginx(Server):
    """Debian's nginx: one worker, a static file, and nothing in its way."""

    # Where it has the ten bytes without a file.
    RETURNING = "/return"

    def __init__(self, name, port, core, place, files=None, host=None):
        """It serves the ten bytes, and these bodies by their paths."""
        wrapper = self.move(host)
        own = f"{place}/{name.replace(' ', '-')}"
        os.makedirs(own + "/root" + os.path.dirname(PATH))
        hypervisor.write(own + "/root" + PATH, hypervisor.INSTANCE_ID)
        # A path and the same with a slash behind it are two places of ours, and cannot be two files.
        locations = f'        location = {self.RETURNING} {{ return 200 "{hypervisor.INSTANCE_ID}"; }}\n'
        for number, (path, body) in enumerate((files or {}).items()):
            with open(f"{own}/{number}", "wb") as output:
                output.write(body)
            locations += f"        location = {path} {{ root {own}; try_files /{number} =404; }}\n"
        configuration = hypervisor.write(f"{own}/nginx.conf", f"""\
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {own}/pid;
error_log stderr error;
events {{
    worker_connections 16384;
    multi_accept on;
}}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
    open_file_cache_min_uses 1;
    default_type text/plain;
    client_body_temp_path {own}/body;
    proxy_temp_path {own}/proxy;
    fastcgi_temp_path {own}/fastcgi;
    uwsgi_temp_path {own}/uwsgi;
    scgi_temp_path {own}/scgi;
    server {{
        listen {lab.METADATA_ADDRESS}:{port} backlog=4096;
        root {own}/root;
{locations}    }}
}}
""")
        command = ["taskset", "--cpu-list", str(core), *wrapper, "nginx", "-e", "stderr", "-c", configuration]
        super().__init__(name, port, command, f"{own}/log")

    def memory(self, pid=None):
        """Of the worker, which alone answers."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
            return super().memory(int(children.read().split()[0]))


class Peer(Server):
    """Another program that answers with the ten bytes, at what its library costs: it is told address and bytes, and no more."""

    def __init__(self, name, port, command, core, place, host):
        wrapper = self.move(host)
        super().__init__(name, port, ["taskset", "--cpu-list", str(core), *wrapper, *command], f"{place}/{name}-{port}.log")


class BareNIO(Peer):
    """SwiftNIO's own server for HTTP/1 with one handler."""

    def __init__(self, port, program, core, place, host):
        command = (program, lab.METADATA_ADDRESS, str(port), hypervisor.INSTANCE_ID)
        super().__init__("bare NIO", port, command, core, place, host)


class Go(Peer):
    """Go's net/http with one handler."""

    def __init__(self, port, program, core, place, host=None, files=None):
        """It serves the ten bytes, and these bodies by their paths."""
        bodies = json.dumps({path: base64.b64encode(body).decode() for path, body in (files or {}).items()})
        command = (program, f"{lab.METADATA_ADDRESS}:{port}", hypervisor.INSTANCE_ID, hypervisor.write(f"{place}/go-{port}.json", bodies))
        super().__init__("Go", port, command, core, place, host)


class VirtMetadata(Server):
    """Our server, which knows the guest by the first packet of its connection; as `serve` is given a bridge, by its port as well."""

    def __init__(
            self, name, port, program, uri, place, core=None, wrapper=(), connections=32, environment=None, bridge=None, host=None,
            limited=False, more=()):
        """With `limited` it allows each caller what it does unless it is told; `uri` may be a list, and `more` are further words."""
        wrapper = (*self.move(host), *wrapper)
        # What it does to the bridge ends with it: the next server on it may be one that knows of no bridge.
        where = ("--bridge", bridge, "--run-directory", f"{place}/run", "--leave-open") if bridge else ("--listen", f"{lab.METADATA_ADDRESS}:{port}")
        pinned = () if core is None else ("taskset", "--cpu-list", str(core))
        # wrk opens the connections of a round while those of the last may not all be gone, and thousands a second, which count until wrk has
        # confirmed their ends.
        per_caller = max(1024, 4 * connections)
        # All requests come from one guest: what they may cost is counted, and never enough.
        lifted = (
            "--connections-per-caller", str(per_caller), "--connections-per-second", "1000000", "--requests-per-second", "1000000",
            "--bytes-per-second", str(1 << 40), "--cpu-per-second", "64s")
        self.uris = [uri] if isinstance(uri, str) else uri
        # Servers of two hosts may have one port.
        own = f"{place}/{name.replace(' ', '-').replace('/', '-')}-{port}"
        command = [
            *pinned, *wrapper, program, "serve", *(word for uri in self.uris for word in ("--connect", uri)), *where,
            *(() if limited else lifted), "--sweep-interval", "1h", "--state-directory", f"{own}-state", *more,
        ]
        super().__init__(name, port, command, f"{own}.log", environment)

    def wait(self, seconds=lab.PATIENCE):
        """Waits until it serves the guest and has read every domain."""
        super().wait(seconds)

        lab.wait_until(self.is_complete, f"{self.name} has read every domain", seconds)

    def is_complete(self):
        """Whether it has read every domain."""
        self.check()
        return self.output().count("the inventory is complete") == len(self.uris)
