#!/usr/bin/python3
# Copyright: the virt-metadata authors
# Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0)
"""Enables and configures the metadata of a libvirt domain with virt-metadata."""

import json
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: virt_metadata
short_description: Enable and configure the metadata of libvirt domains
description:
  - Enables a libvirt domain, so that its cloud image gets metadata from virt-metadata, and sets the values that the guest gets.
  - Runs C(virt-metadata) on the KVM host. It needs root, or a user whom libvirt lets change domains.
  - Values that are not named stay as they are.
options:
  domain:
    description: Name or UUID of the domain, which must exist.
    type: str
    required: true
    aliases: [name]
  state:
    description:
      - V(enabled) writes the SMBIOS identity and the values.
      - V(disabled) removes what V(enabled) has written, and keeps what was changed since.
    type: str
    choices: [enabled, disabled]
    default: enabled
  identity:
    description: How the guest recognizes its cloud. The default keeps the domain's identity; a domain without one gets V(openstack).
    type: str
    choices: [openstack, ec2, nocloud, nocloud-net]
  force:
    description: Replace SMBIOS entries written by hand that contradict O(identity).
    type: bool
    default: false
  hostname:
    description: Host name of the guest.
    type: str
  ssh_keys:
    description: Public keys in OpenSSH's format. A key replaces the one with the same comment; other keys stay.
    type: list
    elements: str
  user_data:
    description:
      - User data, such as a cloud-config.
      - It is stored in the domain's XML. Whoever may read the domain through libvirt can read it.
    type: str
  values:
    description:
      - Any other values, by their paths in the instance element, such as C(placement/region) or C(tags/tag[env]).
      - A list replaces all values of its path; an empty list or V(null) removes them.
    type: dict
  secret_values:
    description: The same, for values that must not appear in Ansible's output and logs.
    type: dict
  unset:
    description: Paths to remove.
    type: list
    elements: str
  restart:
    description: Shut a running domain down and start it again where a change needs this.
    type: bool
    default: false
  uri:
    description: libvirt URI. The default is that of virt-metadata's configuration, which is V(qemu:///system) unless it is set.
    type: str
  executable:
    description: Path of the program.
    type: str
    default: virt-metadata
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - the virt-metadata authors
"""

EXAMPLES = r"""
- name: Enable a domain with a key and a package list
  virt_metadata:
    domain: web
    hostname: web.example
    ssh_keys: ["{{ lookup('file', '~/.ssh/id_ed25519.pub') }}"]
    user_data: |
      #cloud-config
      packages: [htop]
    values:
      placement/region: eu
      tags/tag[env]: test
      security-groups/group: [web, ssh]

- name: Remove everything again
  virt_metadata:
    domain: web
    state: disabled
"""

RETURN = r"""
uuid:
  description: UUID of the domain.
  returned: success
  type: str
needs_restart:
  description: Whether the running guest sees a change only after the domain is stopped and started again.
  returned: success
  type: bool
restarted:
  description: Whether the domain was stopped and started again.
  returned: success
  type: bool
notes:
  description: What virt-metadata says about the change.
  returned: success
  type: list
  elements: str
"""

ARGUMENTS = {
    "domain": {"type": "str", "required": True, "aliases": ["name"]},
    "state": {"type": "str", "choices": ["enabled", "disabled"], "default": "enabled"},
    "identity": {"type": "str", "choices": ["openstack", "ec2", "nocloud", "nocloud-net"]},
    "force": {"type": "bool", "default": False},
    "hostname": {"type": "str"},
    "ssh_keys": {"type": "list", "elements": "str", "no_log": False},
    "user_data": {"type": "str", "no_log": True},
    "values": {"type": "dict"},
    "secret_values": {"type": "dict", "no_log": True},
    "unset": {"type": "list", "elements": "str"},
    "restart": {"type": "bool", "default": False},
    "uri": {"type": "str"},
    "executable": {"type": "str", "default": "virt-metadata"},
}
# What only a domain that is enabled can have.
FOR_ENABLED = ["identity", "hostname", "ssh_keys", "user_data", "values", "secret_values", "unset"]


class Domain:
    """The domain of one task, and what its commands have reported so far."""

    def __init__(self, module):
        self.module = module
        self.files = 0
        self.result = {"changed": False, "needs_restart": False, "restarted": False, "notes": []}
        self.diffs = []

    def file(self, text):
        """A file that only this user can read, with a value that must not be seen in the list of processes."""
        self.files += 1
        path = os.path.join(self.module.tmpdir, "value-%d" % self.files)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as value:
            value.write(text.encode("utf-8"))
        return path

    def run(self, command, arguments):
        """Runs a command on the domain and collects its report."""
        parameters = self.module.params
        line = [self.module.get_bin_path(parameters["executable"], required=True), command, "-o", "json"]
        if parameters["uri"]:
            line += ["--connect", parameters["uri"]]
        if self.module.check_mode:
            line += ["--dry-run"]
        line += arguments
        status, output, errors = self.module.run_command(line, environ_update={"LC_ALL": "C.UTF-8"})
        try:
            report = json.loads(output)["domains"][0]
        except (ValueError, IndexError, KeyError, TypeError):
            self.fail(errors.strip() or "virt-metadata %s: exit status %d without a report" % (command, status))
        self.result["changed"] |= report["changed"]
        self.result["needs_restart"] |= report["needs_restart"]
        self.result["restarted"] |= report["restarted"]
        self.result["notes"] += report["notes"]
        if report.get("uuid"):
            self.result["uuid"] = report["uuid"]
        if report.get("diff"):
            self.diffs.append(report["diff"])
        if status != 0 or report.get("error"):
            self.fail(report.get("error") or errors.strip())

    def fail(self, message):
        self.module.fail_json(msg=message, **self.report())

    def report(self):
        """The task's result; the difference is shown by --diff alone."""
        if self.module._diff and self.diffs:
            return dict(self.result, diff={"prepared": "".join(self.diffs)})
        return self.result


def text(value):
    """A value as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def enable(domain, parameters):
    """Writes identity and values."""
    arguments = [parameters["domain"]]
    if parameters["identity"]:
        arguments += ["--identity", parameters["identity"]]
    if parameters["force"]:
        arguments += ["--force"]
    if parameters["restart"]:
        arguments += ["--restart"]
    if parameters["hostname"] is not None:
        arguments += ["--hostname=" + parameters["hostname"]]
    if parameters["ssh_keys"]:
        arguments += ["--ssh-key", domain.file("".join(key.strip() + "\n" for key in parameters["ssh_keys"]))]
    if parameters["user_data"] is not None:
        arguments += ["--user-data", domain.file(parameters["user_data"])]
    paths = list(parameters["unset"] or [])
    for path, value in sorted(dict(parameters["values"] or {}, **(parameters["secret_values"] or {})).items()):
        every = value if isinstance(value, list) else [] if value is None else [value]
        if not every:
            paths.append(path)
        for number, one in enumerate(every):
            arguments += ["--file", "%s%s%s" % (path, "+=" if number else "=", domain.file(text(one)))]
    domain.run("enable", arguments)
    if paths:
        domain.run("unset", ["--domain", parameters["domain"]] + paths)


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    parameters = module.params
    domain = Domain(module)
    if parameters["state"] == "enabled":
        enable(domain, parameters)
    else:
        given = [name for name in FOR_ENABLED if parameters[name] is not None]
        if given:
            module.fail_json(msg="state=disabled takes no %s" % ", ".join(given))
        domain.run("disable", [parameters["domain"]] + (["--restart"] if parameters["restart"] else []))
    module.exit_json(**domain.report())


if __name__ == "__main__":
    main()
