#!/usr/bin/python3
"""Judges network_data.json by Nova's own schema of it: one document a line comes in, one list of its faults a line goes out.

It lacks two things that Nova itself writes, so they are added: the types of an IPv6 network with DHCPv6 (`ipv6_` and the
address mode), and the mask of a route to one host. Nothing else is changed.
"""
import json
import pathlib
import sys

import jsonschema

FILE = pathlib.Path(__file__).resolve().parents[2] / ".build/clients/nova/network_data.json"
schema = json.loads(FILE.read_text())
definitions = schema["definitions"]
definitions["l3_ipv6_type"]["enum"] += ["ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless"]
definitions["l3_ipv4_netmask"] = {"anyOf": [definitions["l3_ipv4_netmask"], {"const": "255.255.255.255"}]}
validator = jsonschema.Draft7Validator(schema)


def faults(document):
    """What is wrong with a document, the nearest cause where the schema has alternatives."""
    found = (jsonschema.exceptions.best_match([error]) for error in validator.iter_errors(document))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


for line in sys.stdin:
    print(json.dumps(faults(json.loads(line))))
