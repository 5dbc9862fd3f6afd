#!/usr/bin/python3
"""Takes user data and vendor data apart as cloud-init does: a JSON object a line comes in, a list of parts a line goes out.

An object has `client`, the folder of a version below .build/clients, the same on each line, and either `userdata`, base64 of what a guest reads, or
`vendordata`, the value of `vendor_data.json`. A part has its type and its content, as base64. What cloud-init's first stage does with vendor data before
that is done too: from 24.4 on it asks of every document whether it needs the network.
"""
import base64
import json
import pathlib
import sys

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / ".build/clients"
lines = [json.loads(line) for line in sys.stdin]
packages = CLIENTS / lines[0]["client"] / "usr/lib/python3/dist-packages"
sys.path[:] = [str(packages)] + [path for path in sys.path if path.startswith("/usr/lib/python3")]

from cloudinit import sources, user_data, util  # noqa: E402
from cloudinit.cmd import main  # noqa: E402


class Paths:
    """What cloud-init asks of its folders."""

    def __getattr__(self, name):
        return lambda *arguments: "/nonexistent"


def raw(line):
    if "userdata" in line:
        return base64.b64decode(line["userdata"])
    return sources.convert_vendordata(line["vendordata"])


def parts(data):
    if hasattr(main, "_should_wait_via_user_data"):
        main._should_wait_via_user_data(data)
    message = user_data.UserDataProcessor(Paths()).process(data)
    result = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = util.fully_decoded_payload(part)
        if isinstance(content, str):
            content = content.encode(errors="surrogateescape")
        result.append({"type": part.get_content_type(), "content": base64.b64encode(content).decode()})
    return result


for line in lines:
    print(json.dumps(parts(raw(line))))
