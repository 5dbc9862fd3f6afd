#!/usr/bin/python3
"""Converts network_data.json, or a configuration of version 2, by the unpacked, unmodified cloud-init: one document a line comes in, one
configuration a line goes out.

A guest has the network cards that a document names as links of type `phy`, or by hardware address, as eth0 and so on. A configuration of
version 2 is rendered for netplan and for ifupdown too. Where the conversion raises, the line is {"error": "…"}.
"""
import json
import pathlib
import sys
import tempfile

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / ".build/clients/cloud-init"
sys.path[:] = [str(PACKAGE / "usr/lib/python3/dist-packages")] + [path for path in sys.path if path.startswith("/usr/lib/python3")]

import yaml  # noqa: E402
from cloudinit.net import eni, netplan, network_state  # noqa: E402
from cloudinit.sources.helpers import openstack  # noqa: E402


def converted(document):
    """What cloud-init makes of a document, or why it makes nothing."""
    cards = [link["ethernet_mac_address"] for link in document["links"] if link["type"] == "phy"]
    known = {mac: f"eth{number}" for number, mac in enumerate(cards)}
    try:
        return openstack.convert_net_json(document, known_macs=known)
    except Exception as error:  # whatever it is, a guest would be without its network
        return {"error": repr(error)}


def configured(document):
    """What cloud-init makes of a configuration of version 2, in the words of version 1."""
    cards = [link["match"]["macaddress"] for link in document["ethernets"].values()]
    names = {mac: f"eth{number}" for number, mac in enumerate(cards)}
    network_state.get_interfaces_by_mac = lambda: names
    network_state.find_interface_name_from_mac = names.get
    try:
        state = network_state.parse_net_config_data(document)
        for renderer in (netplan.Renderer({"postcmds": False}), eni.Renderer({})):
            with tempfile.TemporaryDirectory() as target:
                renderer.render_network_state(state, target=target)
        return {"config": [dict(link) for link in state.iter_interfaces()], "servers": state.dns_nameservers, "document": document}
    except Exception as error:  # as above
        return {"error": repr(error)}


for line in sys.stdin:
    document = json.loads(line)
    if isinstance(document, str):  # the operator's own configuration
        document = yaml.safe_load(document)
    print(json.dumps(configured(document) if document.get("version") == 2 else converted(document)))
