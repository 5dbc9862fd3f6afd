"""Runs inside a guest and prints, as JSON, what the guest knows: `facts`, `ask URL…`, `crawl MARKER-PATTERN SECONDS`.

Before these, its first argument is the address of the metadata server."""

import functools
import http.client
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

HOST = f"[{sys.argv[1]}]" if ":" in sys.argv[1] else sys.argv[1]
MOST_PLACES = 500


def text(path: str) -> str:
    """Reads a file; empty where there is none."""
    file = Path(path)
    return file.read_text(errors="replace") if file.is_file() else ""


def document(path: str) -> dict:
    """Reads a file of JSON; empty where there is none."""
    return json.loads(text(path) or "{}")


def output(*command: str) -> str:
    """Runs a command and gives what it prints, whatever its status."""
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False).stdout.strip()


def facts() -> dict:
    """What cloud-init made of this guest."""
    log = text("/var/log/cloud-init.log")
    return {
        "status": output("cloud-init", "status", "--wait"),
        "cloud": output("cloud-id"),
        "result": document("/run/cloud-init/result.json").get("v1", {}),
        "complaints": [line for line in log.splitlines() if re.search(r"\[(WARNING|ERROR|CRITICAL)\]|^Traceback", line)],
        "hostname": output("hostname"),
        "keys": text("/home/debian/.ssh/authorized_keys"),
        "runs": text("/var/lib/lab-runs").split(),
        "vendor": text("/var/lib/lab-vendor").strip(),
        "instance": document("/run/cloud-init/instance-data.json"),
        "instances": sorted(path.name for path in Path("/var/lib/cloud/instances").iterdir()),
        "uuid": text("/sys/class/dmi/id/product_uuid").strip().lower(),
        "boot": text("/proc/sys/kernel/random/boot_id").strip(),
        "addresses": output("ip", "-brief", "address"),
        "routes": output("ip", "route") + "\n" + output("ip", "-6", "route"),
    }


def request(method: str, path: str, seconds: float = 30, **fields: str) -> tuple[int, str]:
    """Makes a request over a connection of its own."""
    connection = http.client.HTTPConnection(HOST, timeout=seconds)
    try:
        connection.request(method, path, headers={f"X-aws-ec2-metadata-{name}": value for name, value in fields.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


@functools.cache
def token() -> str:
    """A session token, which any guest may have, and some must."""
    return request("PUT", "/latest/api/token", **{"token-ttl-seconds": "21600"})[1]


def get(path: str) -> tuple[int, str]:
    """Asks for a path in a session."""
    return request("GET", path, token=token())


def places() -> dict[str, tuple[int, str]]:
    """Follows every listing of both trees, as cloud-init does."""
    found: dict[str, tuple[int, str]] = {}
    ahead = ["/latest/", "/openstack/latest/"]
    while ahead and len(found) < MOST_PLACES:
        path = ahead.pop()
        found[path] = get(path)
        if not path.endswith("/") or found[path][0] != 200:
            continue
        for line in found[path][1].splitlines():
            if path.endswith("/public-keys/"):
                ahead.append(f"{path}{line.split('=')[0]}/")
            else:
                ahead.append(path + quote(line))
    return found


def crawl(pattern: str, seconds: float) -> dict:
    """Reads all places, then some of them again and again, and gives what did not answer and whose markers were read."""
    begin = time.monotonic()
    found = places()
    leaves = [path for path in sorted(found) if not path.endswith("/")]
    lost, asked, slowest = [f"{path}: {status}" for path, (status, _) in found.items() if status != 200], len(found), 0.0
    # Somebody may wait for the moment from which on there is always a request.
    Path("/run/lab-crawls").touch()
    while time.monotonic() - begin < seconds:
        path = leaves[asked % len(leaves)]
        asked += 1
        start = time.monotonic()
        try:
            status, body = get(path)
            if (status, body) != found[path] and "random_seed" not in body:
                lost.append(f"{path}: {status}, and not what it was")
        except (OSError, http.client.HTTPException) as error:
            lost.append(f"{path}: {error!r} after {time.monotonic() - start:.1f} s")
        slowest = max(slowest, time.monotonic() - start)
    everything = "\n".join(body for _, body in found.values())
    return {
        "places": len(found), "asked": asked, "lost": lost, "slowest": round(slowest, 2),
        "markers": sorted(set(re.findall(pattern, everything))),
    }


def ask(*urls: str) -> dict:
    """Asks each URL by curl, which knows IPv6 zones."""
    return {url: output("curl", "-sg", "--max-time", "20", "-w", " %{http_code}", url) for url in urls}


def main() -> None:
    """Does what the second argument says."""
    what, *arguments = sys.argv[2:]
    if what == "facts":
        answer = facts()
    elif what == "ask":
        answer = ask(*arguments)
    else:
        answer = crawl(arguments[0], float(arguments[1]))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
