#!/usr/bin/python3 -IS
"""Leaves a password as cloudbase-init does in a Windows guest, and prints what its classes say of it as one JSON document.

    ip netns exec GUEST env -i Tests/clients/cloudbase_init_password.py PASSWORD

The service is asked and the password is encrypted and left by unmodified classes; that the user of this machine gets no such
password is all that is left out of the plugin's steps.
"""
import json
import logging
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / ".build/clients/cloudbase-init"))
sys.dont_write_bytecode = True

from cloudbaseinit import conf
from cloudbaseinit.metadata.services import httpservice
from cloudbaseinit.plugins.common import setuserpassword


class Log(logging.Handler):
    """Keeps every record at WARNING or above as a sentence."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def main():
    log = Log()
    logging.getLogger().addHandler(log)
    conf.CONF([], project="cloudbase-init", default_config_files=[], default_config_dirs=[])
    # On Windows it adds a route of its own where there is none; here the guest has one.
    conf.CONF.set_override("add_metadata_private_ip_route", False, group="openstack")
    # Its default is four seconds; with none a failure is as quick as it is sure.
    conf.CONF.set_override("retry_count_interval", 0)
    service = httpservice.HttpService()
    said = {"load": service.load(), "can_post_password": service.can_post_password, "was_set": service.is_password_set}
    said["left"] = setuserpassword.SetUserPasswordPlugin()._set_metadata_password(sys.argv[1], service)
    said["is_set"] = service.is_password_set
    # The plugin does not leave another one; who does is refused.
    try:
        said["another"] = service.post_password(b"another")
    except Exception as error:
        said["another"] = str(error)
    print(json.dumps({**said, "log": log.messages}))


if __name__ == "__main__":
    main()
