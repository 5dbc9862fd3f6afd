#!/usr/bin/python3 -IS
"""Runs CirrOS' EC2 datasource as its init does once the network is up, and prints what it stored as one JSON document.

    git clone https://github.com/cirros-dev/cirros .build/clients/cirros
    ip netns exec GUEST env -i PATH=/usr/bin:/bin Tests/clients/cirros_ec2.py

It is two shell scripts, unmodified: src/lib/cirros/ds/ec2 and src/usr/bin/ec2metadata. CirrOS runs them with busybox and its own curl, and here
they have this machine's /bin/sh and curl. They are in no package, so no test runs them.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2] / ".build/clients/cirros/src"
# Its default is 20 attempts, 2 s apart, which its file /etc/cirros-init/ds-ec2 sets. An attempt may take 7 s, by curl's own repetitions.
ATTEMPTS, PAUSE = "6", "0"


def main():
    environment = {
        "PATH": f"{SOURCE}/usr/bin:{os.environ['PATH']}", "CIRROS_SHLIB": f"{SOURCE}/lib/cirros/shlib",
        "MAX_TRIES": ATTEMPTS, "SLEEP_TIME": PAUSE,
    }
    with tempfile.TemporaryDirectory(prefix="cirros-ec2.") as directory:
        command = ["/bin/sh", str(SOURCE / "lib/cirros/ds/ec2"), "net", directory]
        process = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace")
        if process.returncode != 0:
            sys.exit(process.stderr)
        # It writes this file where it has found an instance identifier, whatever else it has found.
        found = (pathlib.Path(directory) / "result").exists()
        data = {file.name: file.read_text(errors="replace") for file in sorted(pathlib.Path(directory).glob("data/*"))}
    print(json.dumps({"found": found, "data": data, "log": process.stderr.splitlines()}))


if __name__ == "__main__":
    main()
