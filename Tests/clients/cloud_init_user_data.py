#!/usr/bin/python3
"""Reads user data as cloud-init does: one text a line comes in as JSON, the folder of a version and base64; one list of warnings a line goes out. All lines
name one version.

The steps are those of `cloudinit.user_data` and of the handlers of parts; nothing is fetched, written or run. Warnings are those that cloud-init logs,
errors that end a part, and parts that no handler reads.
"""
import base64
import json
import logging
import pathlib
import sys

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / ".build/clients"
lines = [json.loads(line).split() for line in sys.stdin]
packages = CLIENTS / lines[0][0] / "usr/lib/python3/dist-packages"
sys.path[:] = [str(packages)] + [path for path in sys.path if path.startswith("/usr/lib/python3")]

import jsonpatch  # noqa: E402

from cloudinit import handlers, templater, user_data, util  # noqa: E402

HANDLED = set(handlers.INCLUSION_TYPES_MAP.values())


class Paths:
    """What cloud-init asks of its folders."""

    def __getattr__(self, name):
        return lambda *arguments: "/nonexistent"


class Fetched:
    """What every URL contains."""

    contents = b"#!/bin/sh\ntrue\n"
    code = 200

    def ok(self):
        return True


class Records(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def read(part, kind, payload):
    """What the handler of a part does with its text, without an effect."""
    if kind == "text/cloud-config":
        if util.load_yaml(payload) is None:
            raise ValueError("empty cloud config")
    elif kind == "text/cloud-config-jsonp":
        patch = payload.lstrip()[len("#cloud-config-jsonp"):]
        jsonpatch.JsonPatch.from_string(patch)
    elif kind == "text/jinja2":
        templater.detect_template(payload)
    elif kind not in HANDLED:
        raise ValueError(f"unhandled {kind}")


def warnings(data):
    records = Records()
    logging.getLogger().addHandler(records)
    try:
        message = user_data.UserDataProcessor(Paths()).process(data)
        for part in message.walk():
            if user_data.is_skippable(part):
                continue
            payload = util.fully_decoded_payload(part)
            try:
                read(part, part.get_content_type(), payload)
            except Exception as error:
                records.messages.append(repr(error))
    except Exception as error:
        records.messages.append(repr(error))
    finally:
        logging.getLogger().removeHandler(records)
    return records.messages


user_data.util.fetch_ssl_details = lambda paths: None
user_data.util.write_file = lambda *arguments, **named: None
user_data.read_file_or_url = lambda *arguments, **named: Fetched()
logging.getLogger().setLevel(logging.WARNING)
for _, text in lines:
    print(json.dumps(warnings(base64.b64decode(text))))
