#!/usr/bin/python3 -IS
"""Asks for credentials and a region as a program with botocore does, and prints what it got as one JSON document.

    ip netns exec GUEST env -i HOME=/nonexistent Tests/clients/botocore_metadata.py

With an empty environment and without a home directory, nothing but the metadata service can answer. `NAME=VALUE` is a variable of botocore's
configuration that the program itself sets.
"""
import json
import logging
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import driver

driver.use("botocore")

import botocore
import botocore.session
from botocore.utils import IMDSRegionProvider


def main():
    log = driver.Log(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.INFO)
    session = botocore.session.Session()
    # Its default is one attempt of one second, which is short on a machine that is busy with other tests. `--defaults` keeps it.
    if "--defaults" not in sys.argv:
        session.set_config_variable("metadata_service_timeout", 10)
    for name, _, value in (word.partition("=") for word in sys.argv[1:] if "=" in word):
        session.set_config_variable(name, value)
    # By way of InstanceMetadataFetcher, the last link of the chain in which a session looks for credentials.
    credentials = session.get_credentials()
    found = credentials and {"method": credentials.method, **credentials.get_frozen_credentials()._asdict()}
    # By way of InstanceMetadataRegionFetcher.
    region = IMDSRegionProvider(session).provide()
    print(json.dumps({"version": botocore.__version__, "credentials": found, "region": region, "log": log.messages}))


if __name__ == "__main__":
    main()
