#!/usr/bin/python3 -IS
"""Asks an emulator for credentials as a program with botocore does, under faults and with a clock that is stepped.

    virt-metadata emulate --no-namespace --clock manual --control 127.0.0.1:0 -- Tests/clients/botocore_faults.py <CASES

Its input is a list of cases in JSON: `values` to set first (paths with their texts, null to remove one), `rules` to add to the emulator,
`timeout` and `attempts` of botocore's configuration, and `steps`, the seconds by which to step the clock before each further look at the
credentials. It prints for each case the access keys
that it saw, null where there were none, what botocore logged, and the error where it raised one.

Replaced: the time that botocore compares with the expiry of credentials, by the emulator's.
"""
import datetime
import json
import logging
import os
import pathlib
import sys
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import driver

driver.use("botocore")

import botocore.session
import botocore.utils

CONTROL = os.environ["VIRT_METADATA_CONTROL_URL"]


def control(method, path, value=None):
    """Sends a request to the control socket, and gives what it answers."""
    data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    request = urllib.request.Request(CONTROL + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def now():
    """The emulator's time."""
    return datetime.datetime.fromisoformat(control("GET", "/clock")["time"].replace("Z", "+00:00"))


def look(credentials):
    """The access key that a request would be signed with."""
    return credentials.get_frozen_credentials().access_key if credentials else None


def run(case, log):
    """One case, with a session of its own."""
    log.messages.clear()
    session = botocore.session.Session()
    session.set_config_variable("metadata_service_timeout", case.get("timeout", 5))
    session.set_config_variable("metadata_service_num_attempts", case.get("attempts", 1))
    found = {"keys": [], "error": None}
    try:
        for path, text in case.get("values", []):
            control("DELETE" if text is None else "PUT", f"/values/{path}?new", text if text is None else text.encode())
        control("POST", "/rules", case.get("rules", []))
        credentials = session.get_credentials()
        if credentials:
            credentials._time_fetcher = now
        found["keys"].append(look(credentials))
        for step in case.get("steps", []):
            control("POST", "/clock", {"advance": step})
            found["keys"].append(look(credentials))
    except Exception as error:
        found["error"] = type(error).__name__
    finally:
        control("DELETE", "/rules")
    return {**found, "log": list(log.messages)}


def main():
    log = driver.Log(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.INFO)
    botocore.utils.get_current_datetime = lambda remove_tzinfo=True: now().replace(tzinfo=None)
    print(json.dumps([run(case, log) for case in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
