#!/usr/bin/python3
"""Judges network documents by the newer cloud-init's own schema of network configurations: one document a line comes in, one list of faults a line
goes out. A network_data.json is converted by that cloud-init first, as a guest does it.

Some faults of the conversion no document can avoid: versions 24.4 and older know no MAC address of a VLAN, those before 26.1 no `accept-ra` of a bond or
VLAN. `on-link` of a route and `accept-ra` of other links than ethernets are netplan's own: cloud-init passes them on where netplan is installed.
"""
import json
import pathlib
import sys

import jsonschema

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / ".build/clients/cloud-init-newer/usr/lib/python3/dist-packages"
sys.path[:] = [str(PACKAGES)] + [path for path in sys.path if path.startswith("/usr/lib/python3")]

import yaml  # noqa: E402
from cloudinit.sources.helpers import openstack  # noqa: E402

SCHEMAS = {
    version: jsonschema.Draft4Validator(json.loads((PACKAGES / f"cloudinit/config/schemas/schema-network-config-v{version}.json").read_text()))
    for version in (1, 2)
}


def without_the_unavoidable(configuration):
    """The configuration without the members that every document of its kind has in vain."""
    for link in configuration.get("config", []):
        if link.get("type") in ("bond", "vlan"):
            link.pop("accept-ra", None)
        if link.get("type") == "vlan":
            link.pop("mac_address", None)
    for kind in ("ethernets", "bonds", "vlans"):
        for link in configuration.get(kind, {}).values():
            if kind != "ethernets":
                link.pop("accept-ra", None)
                link.pop("macaddress", None)
            for route in link.get("routes", []):
                route.pop("on-link", None)
    return configuration


def faults(document):
    version = document.get("version", 1)
    if version == 1:
        cards = [link["ethernet_mac_address"] for link in document["links"] if link["type"] == "phy"]
        document = openstack.convert_net_json(document, known_macs={mac: f"eth{number}" for number, mac in enumerate(cards)})
    return named(SCHEMAS[version].iter_errors(without_the_unavoidable(document)))


def named(found):
    found = (jsonschema.exceptions.best_match([error]) for error in found)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


for line in sys.stdin:
    document = json.loads(line)
    # A string is the operator's own configuration, of version 2, and judged as it is.
    own = isinstance(document, str)
    print(json.dumps(named(SCHEMAS[2].iter_errors(yaml.safe_load(document))) if own else faults(document)))
