#!/usr/bin/python3
"""Converts network_data.json by the unpacked, unmodified cloud-init: one document a line comes in, one configuration a line goes out.

A guest has the network cards that a document names as links of type `phy`. Where the conversion raises, the line is {"error": "…"}.
"""
import json
import pathlib
import sys

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / ".build/clients/cloud-init"
sys.path[:] = [str(PACKAGE / "usr/lib/python3/dist-packages")] + [path for path in sys.path if path.startswith("/usr/lib/python3")]

from cloudinit.sources.helpers import openstack  # noqa: E402


def converted(document):
    """What cloud-init makes of a document, or why it makes nothing."""
    cards = [link["ethernet_mac_address"] for link in document["links"] if link["type"] == "phy"]
    known = {mac: f"eth{number}" for number, mac in enumerate(cards)}
    try:
        return openstack.convert_net_json(document, known_macs=known)
    except Exception as error:  # whatever it is, a guest would be without its network
        return {"error": repr(error)}


for line in sys.stdin:
    print(json.dumps(converted(json.loads(line))))
