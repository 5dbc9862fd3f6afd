"""Guests' requests: a connection each from the guest's own loopback address, and what cloud-init reads of both trees."""

import json
import socket

SERVER = "127.0.0.1"
# The longest that a guest waits for one reply, in seconds.
PATIENCE = 15
TOKEN_PATH = "/latest/api/token"
LIFETIME_FIELD = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_FIELD = "X-aws-ec2-metadata-token"
INSTANCE_ID = "/latest/meta-data/instance-id"
PASSWORD = "/openstack/2013-04-04/password"
META_DATA = "/openstack/latest/meta_data.json"
# What cloud-init asks of each tree: where it begins, and what it reads besides what listings name.
TREES = [
    "/2009-04-04/meta-data/", "/2009-04-04/user-data", "/openstack",
    *(f"/openstack/latest/{name}" for name in (
        "meta_data.json", "network_data.json", "user_data", "vendor_data.json", "vendor_data2.json"))]
# What is no request, or none that is answered, and the status that says so.
MALFORMED = [
    (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    (b"GET /latest/meta-data/ HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413),
    (b"GET / HTTP/1.1\r\nField: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    (b"DELETE /latest/meta-data/instance-id HTTP/1.1\r\nConnection: close\r\n\r\n", 405),
    (b"PUT /latest/api/token HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    (b"GET /latest/%00 HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
]


def connect(port, address):
    """A connection of the guest at an address."""
    return socket.create_connection((SERVER, port), timeout=PATIENCE, source_address=(address, 0))


def exchange(port, address, request):
    """The status and the body of the reply to a request after which the server closes; 0 where there is no reply."""
    with connect(port, address) as connection:
        connection.sendall(request)
        return status_and_body(read_all(connection))


def read_all(connection):
    """What comes until the server closes."""
    parts = []
    try:
        while part := connection.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass  # It closed before it had read all of what was sent.
    return b"".join(parts)


def status_and_body(reply):
    """Of one reply."""
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if head else 0, body


def request(method, path, fields=(), body=b""):
    """One request, whole, as one piece."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 169.254.169.254", "Connection: close", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def steps(listing):
    """The names below a listing, as cloud-init follows them."""
    return [name.split("=")[0] + "/" if "=" in name else name for name in listing.decode().splitlines()]


def crawl(get):
    """What a guest reads at its boot, by path, and the paths that were listed and did not answer.

    `get` gives the status and the body of a path.
    """
    found, missing, rest = {}, [], list(TREES)
    while rest:
        path = rest.pop(0)
        status, body = get(path)
        if status != 200:
            if path not in TREES or not path.endswith(("user-data", "user_data")):
                missing.append(f"{path}: {status}")
            continue
        found[path] = body
        if path.endswith("/"):
            rest += [path + name for name in steps(body)]
    return found, missing


def differences(found, guest):
    """What of a crawl is not this guest's own."""
    wanted = {
        "/2009-04-04/meta-data/instance-id": guest.instance_id.encode(),
        "/2009-04-04/meta-data/hostname": guest.hostname.encode(),
        "/2009-04-04/user-data": guest.user_data,
        "/openstack/latest/user_data": guest.user_data,
    }
    wrong = [
        f"{path} is {found.get(path, b'missing')[:40]!r} and not {value and value[:40]!r}"
        for path, value in wanted.items() if found.get(path) != value]
    for path, *names in ((META_DATA, "uuid"), ("/openstack/latest/vendor_data2.json", "soak", "about")):
        value = json.loads(found.get(path, b"{}"))
        for name in names:
            value = value.get(name, {})
        if value != guest.uuid:
            wrong.append(f"{path} is about {value} and not {guest.uuid}")
    return wrong
