#!/usr/bin/python3
# Copyright: the virt-metadata authors
# Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0)
"""Enables and configures the metadata of a libvirt domain with virt-metadata."""

import base64
import binascii
import hashlib
import json
import os
import re
import shlex
from xml.parsers import expat

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
    description:
      - All public keys of the domain, in OpenSSH's format. A key that is not listed is removed, and an empty list removes all of them.
        Omitted, the keys stay as they are.
      - Keys are compared by their types and base64 text, so their order and their comments do not matter.
      - A new key is named by its comment, or by its SHA-256 fingerprint where it has none or another key has that name.
    type: list
    elements: str
  user_data:
    description:
      - User data, such as a cloud-config.
      - It is stored in the domain's XML. Everyone who may read the domain through libvirt can read it.
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
    description:
      - Shut a running domain down and start it again where its guest has other SMBIOS tables than its next start will have.
      - Without it the task warns where this is needed.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for the guest to shut down, with O(restart). The default is 120.
    type: int
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
    "timeout": {"type": "int"},
    "uri": {"type": "str"},
    "executable": {"type": "str", "default": "virt-metadata"},
}
# What only a domain that is enabled can have.
FOR_ENABLED = ["identity", "hostname", "ssh_keys", "user_data", "values", "secret_values", "unset"]


BLANKS = re.compile("[ \t]+")
KEY_TYPE = re.compile("(ssh-|ecdsa-|sk-ssh-|sk-ecdsa-|webauthn-sk-)")


class Key:
    """A public key in one line of authorized_keys: options, type, base64, comment."""

    def __init__(self, line):
        """Raises ValueError where the line has no public key."""
        fields = BLANKS.split(line.strip())
        for index, (kind, encoded) in enumerate(zip(fields, fields[1:])):
            if not KEY_TYPE.match(kind):
                continue
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue
            # The bytes begin with the type again, after its length (RFC 4253).
            if key[4:].startswith(kind.encode("utf-8")):
                self.line = line.strip()
                self.identity = (kind, encoded.rstrip("="))
                digest = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")
                self.fingerprint = "SHA256-" + digest.replace("+", "-").replace("/", "_")
                self.comment = re.sub("[^A-Za-z0-9@._-]", "-", " ".join(fields[index + 2:]))
                return
        raise ValueError("no public key")

    def name(self, taken):
        """A name that no other key has: never that of a key which is to be removed, since `disable` restores what was replaced."""
        return self.comment if self.comment and self.comment not in taken else self.fingerprint


class Domain:
    """The domain of one task, and what its commands have reported so far."""

    def __init__(self, module):
        self.module = module
        self.labels = {}
        self.result = {"changed": False, "needs_restart": False, "restarted": False, "notes": []}
        self.diffs = []

    def file(self, text, label):
        """A file that only this user can read, with a value that must not be seen in the list of processes.

        Errors name the label instead of the file.
        """
        path = os.path.join(self.module.tmpdir, "value-%d" % (len(self.labels) + 1))
        self.labels[path] = label
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as value:
            value.write(text.encode("utf-8"))
        return path

    def call(self, command, arguments, environment=None):
        """Runs a command on the domain, and returns its report and its error."""
        parameters = self.module.params
        line = [self.module.get_bin_path(parameters["executable"], required=True), command, "-o", "json"]
        if parameters["uri"]:
            line += ["--connect", parameters["uri"]]
        if self.module.check_mode:
            line += ["--dry-run"]
        status, output, errors = self.module.run_command(
            line + arguments, environ_update=dict(environment or {}, LC_ALL="C.UTF-8"))
        try:
            report = json.loads(output)["domains"][0]
        except (ValueError, IndexError, KeyError, TypeError):
            self.fail(errors.strip() or "virt-metadata %s: exit status %d without a report" % (command, status))
        failure = report.get("error") or (errors.strip() or "exit status %d" % status if status != 0 else None)
        return report, failure

    def run(self, command, arguments):
        """Runs a command that may change the domain, and collects its report."""
        report, failure = self.call(command, arguments)
        restarts = self.module.params["restart"] and (report["restarted"] or self.module.check_mode and report["needs_restart"])
        self.result["changed"] |= report["changed"] or restarts
        self.result["needs_restart"] = report["needs_restart"] or self.result["needs_restart"] and not report["restarted"]
        self.result["restarted"] |= report["restarted"]
        self.result["notes"] += report["notes"]
        if report.get("uuid"):
            self.result["uuid"] = report["uuid"]
        if report.get("diff"):
            self.diffs.append(report["diff"])
        if failure:
            self.fail(failure)

    def keys(self, side):
        """The names and texts of the public keys of a side of the domain, or None where it does not have that side.

        `virt-metadata edit` shows the domain's own element to an editor, which is cp here, and writes nothing if that changes nothing.
        """
        copies = os.path.join(self.module.tmpdir, "element" + side)
        os.makedirs(copies, 0o700)
        environment = {
            "VISUAL": "cp -t %s --" % shlex.quote(copies),
            "XDG_STATE_HOME": os.path.join(self.module.tmpdir, "state"),
        }
        _, failure = self.call("edit", [self.module.params["domain"], side], environment)
        if failure and side == "--live" and failure.startswith("not running"):
            return None
        if failure and side == "--config" and "transient domain" in failure:
            return None
        if failure:
            self.fail(failure)
        elements = os.listdir(copies)
        if len(elements) != 1:
            self.fail("virt-metadata edit showed no element")
        with open(os.path.join(copies, elements[0]), "rb") as element:
            return self.keys_in(element.read())

    def keys_in(self, element):
        found, inside = [], []

        def start(name, attributes):
            name = name.split(":")[-1]
            inside.append(name)
            if inside == ["instance", "public-keys", "public-key"]:
                if not attributes.get("name") or "]" in attributes["name"]:
                    self.fail("ssh_keys: the domain has a public key without a usable name: name it with virt-metadata edit")
                found.append((attributes["name"], []))
            elif inside == ["instance", "public-keys", "public-key", "key"]:
                found[-1][1].append("")

        def text(piece):
            if inside == ["instance", "public-keys", "public-key", "key"]:
                found[-1][1][-1] += piece

        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        parser.EndElementHandler = lambda name: inside.pop()
        parser.CharacterDataHandler = text
        parser.Parse(element, True)
        return [(name, [value.strip() for value in values]) for name, values in found]

    def fail(self, message):
        # From the last one: value-1 is the beginning of value-10.
        for path, label in reversed(list(self.labels.items())):
            message = message.replace(path + ": line 1: ", label + ": ").replace(path, label)
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


def listed_keys(domain, entries):
    """The keys of the task: each entry is a key, or the text of a file of keys."""
    keys = {}
    for number, entry in enumerate(entries):
        label = "ssh_keys[%d]" % number
        if "PRIVATE KEY-----" in entry or entry.startswith("PuTTY-User-Key-File"):
            domain.fail(label + ": private key; it must not leave its owner: list the public key, which ssh-keygen -y prints")
        lines = [line.strip() for line in entry.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if not lines:
            domain.fail(label + ": no public key found")
        for line in lines:
            try:
                key = Key(line)
            except ValueError:
                domain.fail(label + ": invalid public key: expected OpenSSH's format (ssh-ed25519 AAAA... comment)")
            keys.setdefault(key.identity, key)
    return list(keys.values())


def identity(line):
    try:
        return Key(line).identity
    except ValueError:
        return None


def only_keys(domain, entries):
    """What makes these keys the only ones of the domain: arguments of `enable`, and paths for `unset`."""
    keys = listed_keys(domain, entries)
    sides = [side for side in (domain.keys("--config"), domain.keys("--live")) if side is not None]
    taken = {name for side in sides for name, _ in side}
    names = {}
    for side in sides:
        for name, values in side:
            for value in values:
                if name not in names.values():
                    names.setdefault(identity(value), name)
    kept = {}
    for key in keys:
        name = names.get(key.identity) or key.name(taken)
        taken.add(name)
        kept["public-keys/public-key[%s]" % name] = key.line + "\n"
    arguments = []
    # Always all, in one order: `enable` records what it wrote in the order of its arguments.
    for path, line in sorted(kept.items()):
        arguments += ["--file", "%s=%s" % (path, domain.file(line, path))]
    paths = ["public-keys/public-key[%s]" % name for name in sorted(taken)]
    return arguments, [path for path in paths if path not in kept]


def enable(domain, parameters):
    """Writes identity and values."""
    if parameters["user_data"] == "":
        domain.fail("user_data is empty; to remove it: unset: [userdata]")
    arguments = [parameters["domain"]]
    if parameters["identity"]:
        arguments += ["--identity", parameters["identity"]]
    if parameters["force"]:
        arguments += ["--force"]
    if parameters["hostname"] is not None:
        arguments += ["--hostname=" + parameters["hostname"]]
    paths = list(parameters["unset"] or [])
    every_value = dict(parameters["values"] or {}, **(parameters["secret_values"] or {}))
    if parameters["ssh_keys"] is not None:
        if any(path.startswith("public-keys/") for path in every_value):
            domain.fail("ssh_keys is the complete list of the domain's keys: move the keys of values into it")
        values, removed = only_keys(domain, parameters["ssh_keys"])
        arguments += values
        paths += [path for path in removed if path not in paths]
    if parameters["user_data"] is not None:
        arguments += ["--user-data", domain.file(parameters["user_data"], "user_data")]
    for path, value in sorted(every_value.items()):
        every = value if isinstance(value, list) else [] if value is None else [value]
        if not every:
            paths.append(path)
        for number, one in enumerate(every):
            arguments += ["--file", "%s%s%s" % (path, "+=" if number else "=", domain.file(text(one), path))]
    if not paths or domain.module.check_mode:
        arguments += restart(parameters)
    domain.run("enable", arguments)
    if paths:
        domain.run("unset", ["--domain", parameters["domain"]] + paths)
    # Not before `unset`: the guest would boot with the keys that are no longer its own.
    if domain.result["needs_restart"] and parameters["restart"] and not domain.module.check_mode:
        domain.result["notes"] = [note for note in domain.result["notes"] if not note.startswith("restart needed: ")]
        domain.run("enable", [parameters["domain"]] + restart(parameters))


def restart(parameters):
    """The options of `enable` and `disable` for a restart."""
    if not parameters["restart"]:
        return []
    return ["--restart"] + (["--timeout", str(parameters["timeout"])] if parameters["timeout"] is not None else [])


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
        domain.run("disable", [parameters["domain"]] + restart(parameters))
    if domain.result["needs_restart"] and not parameters["restart"]:
        module.warn(
            "%s: restart needed: the running guest has its previous SMBIOS tables until the domain is stopped and started again "
            "(a reboot inside the guest is not enough), which restart: true does" % parameters["domain"])
    module.exit_json(**domain.report())


if __name__ == "__main__":
    main()
