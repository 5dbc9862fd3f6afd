"""The clients that `under_faults.py` runs: how each is called, and how its output is read."""
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parents[1]
CLIENTS = PACKAGE / ".build/clients"

# Values that differ from run to run, or say how the client asked and not what it was told.
VOLATILE = {"warnings", "requests", "log", "errors", "version", "pkcs7", "rsa2048", "signature", "subplatform"}


def leaves(value, path=""):
    """The values of a document by their path; what is empty counts as missing."""
    if isinstance(value, dict):
        return {p: v for k, m in value.items() if k not in VOLATILE for p, v in leaves(m, f"{path}/{k}").items()}
    if isinstance(value, list):
        return {p: v for i, m in enumerate(value) for p, v in leaves(m, f"{path}/{i}").items()}
    return {} if value in (None, "", False) else {path: value}


# A reader of a client's output: its values, or None where it says that there are none.

def cloud_init(output):
    document = json.loads(output)
    return leaves(document) if document["found"] else None


def cloudbase_init(output):
    document = json.loads(output)
    return leaves(document) if document["load"] else None


def botocore(output):
    document = json.loads(output)
    return leaves(document) or None


def os_collect_config(output):
    return leaves(json.loads(output)["collected"] or {}) or None


def ec2metadata(output):
    fields = [line.split(": ", 1) for line in output.splitlines() if ": " in line]
    return {name: value for name, value in fields if value not in ("unavailable", "['unavailable']")} or None


def ohai(output):
    return leaves(json.loads(output)) or None


# Each of these begins a line, and its value ends before the next.
EC2_METADATA = {
    "ami-id", "ami-launch-index", "ami-manifest-path", "ancestor-ami-ids", "block-device-mapping", "instance-id", "instance-type",
    "local-hostname", "local-ipv4", "kernel-id", "placement", "product-codes", "public-hostname", "public-ipv4", "public-keys", "ramdisk-id",
    "reservation-id", "security-groups", "user-data", "tags",
}


def ec2_metadata(output):
    values, current = {}, None
    for line in output.splitlines():
        name, colon, value = line.partition(":")
        if colon and name in EC2_METADATA:
            current, line = name, value
        if current:
            values[current] = f"{values.get(current, '')}{line}\n"
    return {name: value.strip() for name, value in values.items() if value.strip() not in ("", "not available")} or None


def cirros(output):
    document = json.loads(output)
    return leaves(document["data"]) if document["found"] else None


def script(output):
    return leaves({"output": output.strip()}) or None


def through(source, cloud, *more):
    """cloud-init reads /sys/class/net, which has to be that of the namespace."""
    in_sys = ["unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
    return [*in_sys, f"{HERE}/cloud_init_datasource.py", source, "--cloud-init", f"{CLIENTS}/{cloud}", *more]


AMAZON = ["--dmi", "uuid=ec2e1916-9099-4caf-8d21-012345abcdef,serial=ec2e1916-9099-4caf-8d21-012345abcdef"]
OPENSTACK = ["--timeout", "10"]

# By name: the table, the column, the folder that the client needs, its command, and the reader of its output.
RUNNABLE = {
    "ci22-ec2": ("cloud-init", "22.4.2 Ec2, on Amazon", "cloud-init", through("ec2", "cloud-init", *AMAZON), cloud_init),
    "ci22-other": ("cloud-init", "22.4.2 Ec2, elsewhere", "cloud-init", through("ec2", "cloud-init"), cloud_init),
    "ci22-openstack": ("cloud-init", "22.4.2 OpenStack", "cloud-init", through("openstack", "cloud-init", *OPENSTACK), cloud_init),
    "ci22-nocloud": ("cloud-init", "22.4.2 NoCloud", "cloud-init", through("nocloud", "cloud-init"), cloud_init),
    "ci25-ec2": ("newer cloud-init", "25.1.4 Ec2, on Amazon", "cloud-init-newer",
                 through("ec2", "cloud-init-newer", *AMAZON), cloud_init),
    "ci25-openstack": ("newer cloud-init", "25.1.4 OpenStack", "cloud-init-newer",
                       through("openstack", "cloud-init-newer", *OPENSTACK), cloud_init),
    "ci25-nocloud": ("newer cloud-init", "25.1.4 NoCloud", "cloud-init-newer", through("nocloud", "cloud-init-newer"), cloud_init),
    "cbi-openstack": ("cloudbase-init and os-collect-config", "cloudbase-init OpenStack", "cloudbase-init",
                      [f"{HERE}/cloudbase_init.py", "openstack"], cloudbase_init),
    "cbi-ec2": ("cloudbase-init and os-collect-config", "cloudbase-init EC2", "cloudbase-init",
                [f"{HERE}/cloudbase_init.py", "ec2"], cloudbase_init),
    "os-collect-config": ("cloudbase-init and os-collect-config", "os-collect-config", "os-collect-config",
                          [f"{HERE}/os_collect_config_ec2.py"], os_collect_config),
    "botocore": ("programs and scripts", "botocore", "botocore", [f"{HERE}/botocore_metadata.py", "--defaults"], botocore),
    "ec2metadata": ("programs and scripts", "`ec2metadata`", "cloud-guest-utils",
                    [f"{CLIENTS}/cloud-guest-utils/usr/bin/ec2metadata"], ec2metadata),
    "agent.sh": ("programs and scripts", "`agent.sh`, with curl", ".", ["sh", f"{PACKAGE}/examples/shell/agent.sh"], script),
    "ohai": ("ohai and scripts of images", "ohai", "ohai", [f"{HERE}/ohai_ec2.sh"], ohai),
    "ec2-metadata": ("ohai and scripts of images", "`ec2-metadata`", "amazon-ec2-utils",
                     [f"{CLIENTS}/amazon-ec2-utils/usr/bin/ec2-metadata"], ec2_metadata),
    "cirros": ("ohai and scripts of images", "CirrOS `ds/ec2`", "cirros", [f"{HERE}/cirros_ec2.py"], cirros),
}
