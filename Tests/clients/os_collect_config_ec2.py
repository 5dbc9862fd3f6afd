#!/usr/bin/python3 -IS
"""Collects the EC2 tree once with os-collect-config's own collector, and prints it as one JSON document.

    ip netns exec GUEST env -i Tests/clients/os_collect_config_ec2.py

Where the collector gets nothing, "collected" is null and "log" says why; that is no fault of this driver.
"""
import json
import logging
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import driver

driver.use("os-collect-config")

from os_collect_config import config_drive, ec2, exc
from oslo_config import cfg


def main():
    log = driver.Log(logging.WARNING)
    # A config drive would win over the network, and the disks are this machine's and not the guest's.
    config_drive.all_block_devices = lambda: []
    with tempfile.TemporaryDirectory(prefix="os-collect-config.") as directory:
        # The options that its program registers; it also imports the collectors of services that are not asked here.
        cfg.CONF.register_opts(ec2.opts, group=ec2.name)
        cfg.CONF.register_opts([cfg.StrOpt("cachedir", default=directory)])
        cfg.CONF([], default_config_files=[], default_config_dirs=[])
        try:
            collected = dict(ec2.Collector().collect())["ec2"]
        except exc.Ec2MetadataNotAvailable:
            collected = None
    print(json.dumps({"collected": collected, "log": log.messages}))


if __name__ == "__main__":
    main()
