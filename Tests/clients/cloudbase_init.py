#!/usr/bin/python3 -IS
"""Asks as cloudbase-init does in a Windows guest, and prints what its classes say as one JSON document.

    ip netns exec GUEST env -i Tests/clients/cloudbase_init.py openstack
    ip netns exec GUEST env -i Tests/clients/cloudbase_init.py ec2
    ip netns exec GUEST env -i Tests/clients/cloudbase_init.py password PASSWORD

The first two print what a service gives its plugins; the last leaves a password. The services are asked and the password is
encrypted and left by unmodified classes; that the user of this machine gets no such password is all that is left out of the
plugin's steps.
"""
import json
import logging
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import driver

driver.use("cloudbase-init")

from cloudbaseinit import conf
from cloudbaseinit.metadata.services import base, ec2service, httpservice
from cloudbaseinit.plugins.common import setuserpassword


def plain(value):
    """A value that JSON has: bytes as text, and named tuples as objects."""
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "_asdict"):
        return {name: plain(member) for name, member in value._asdict().items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value


def described(service):
    """What the service gives its plugins, by the names of its methods."""
    names = ["get_instance_id", "get_host_name", "get_public_keys", "get_user_data", "get_client_auth_certs",
             "get_admin_username", "get_network_details_v2"]
    said = {"load": service.load()}
    if not said["load"]:
        # cloudbase-init asks such a service no more, and tries the next of its list.
        return said
    for name in names:
        try:
            said[name] = plain(getattr(service, name)())
        except base.NotExistingMetadataException:
            said[name] = None
    said["get_public_keys"].sort()
    return said


def left(password, service):
    """What becomes of a password, and of another after it."""
    said = {"load": service.load(), "can_post_password": service.can_post_password, "was_set": service.is_password_set}
    said["left"] = setuserpassword.SetUserPasswordPlugin()._set_metadata_password(password, service)
    said["is_set"] = service.is_password_set
    # The plugin does not leave another one; who does is refused.
    try:
        said["another"] = service.post_password(b"another")
    except Exception as error:
        said["another"] = str(error)
    return said


def main():
    log = driver.Log(logging.WARNING)
    conf.CONF([], project="cloudbase-init", default_config_files=[], default_config_dirs=[])
    for group in ["openstack", "ec2"]:
        # On Windows it adds a route of its own where there is none; here the guest has one.
        conf.CONF.set_override("add_metadata_private_ip_route", False, group=group)
    # Its default is four seconds; with none a failure is as quick as it is sure.
    conf.CONF.set_override("retry_count_interval", 0)
    if sys.argv[1] == "password":
        said = left(sys.argv[2], httpservice.HttpService())
    else:
        said = described({"openstack": httpservice.HttpService, "ec2": ec2service.EC2Service}[sys.argv[1]]())
    print(json.dumps({**said, "log": log.messages}))


if __name__ == "__main__":
    main()
