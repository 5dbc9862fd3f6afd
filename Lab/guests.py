"""A guest: its domain, and what can be learnt inside it."""

import base64
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import image
from host import CommandError, Host

NAMESPACE = "urn:virt-metadata:instance:1"
PROBE = Path(__file__).with_name("probe.py")
# What is some guest's own, wherever it is seen.
MARKER = "mark-[a-z0-9-]+-[0-9a-f]{8}"
BOOT_SECONDS = 600


class Failure(Exception):
    """A guest is not as it has to be."""


@dataclass
class Guest:
    """A guest whose every value names it, and which knows its cloud by SMBIOS alone."""

    name: str
    host: Host
    # What it is plugged into: the attributes of libvirt's <source>, with the type of the interface.
    kind: str
    source: str
    mac: str
    hostname: str = ""
    zone: str = ""
    tag: str = "before"
    # The cloud that it believes to be on: openstack or ec2, or nocloud for a seed.
    cloud: str = "openstack"
    # The release of Debian that it has.
    debian: int = 12
    # Where it reaches its metadata.
    server: str = "169.254.169.254"
    # A second card: its <source>, as above, and its hardware address.
    second: tuple[str, str, str] | None = None
    # What its operator says of its interfaces.
    interfaces: str = ""
    # The network configuration, in cloud-init's version 2, that its operator passes through.
    network: str = ""
    # The public key of an operator who logs in; with it the domain is defined bare, and told all by `virt-metadata enable`.
    login: str = ""
    uuid: str = field(default_factory=lambda: "1ab0" + str(uuid.uuid4())[4:])

    def __post_init__(self) -> None:
        if self.cloud == "ec2":
            # By this alone cloud-init knows that it is there.
            self.uuid = "ec2" + self.uuid[3:]
        self.marker = f"mark-{self.name}-{self.uuid[-8:]}"
        self.zone = self.zone or f"zone-{self.name}"

    @property
    def instance_id(self) -> str:
        """What its cloud calls it."""
        return self.uuid if self.cloud == "openstack" else "i-" + self.uuid.replace("-", "")[:17]

    @property
    def origin(self) -> str:
        """The URL of its metadata server."""
        return f"http://[{self.server}]" if ":" in self.server else f"http://{self.server}"

    @property
    def console(self) -> Path:
        """Where its serial console is written."""
        return self.host.directory / f"{self.name}-console.log"

    @property
    def key(self) -> str:
        """The key that may log in; unless it is a real one, no key has this body, and sshd need not know that."""
        if self.login:
            return self.login
        body = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + self.uuid.encode()[:32]).decode()
        return f"ssh-ed25519 {body} {self.marker}"

    # Its domain

    def user_data(self) -> str:
        """Its user data."""
        return (
            # A host key of one kind, and a locale that is there, spare a slow guest much work.
            "#cloud-config\nssh_genkeytypes: [ed25519]\nlocale: C.UTF-8\n"
            f"runcmd:\n  - [sh, -c, 'echo {self.marker} >>/var/lib/lab-runs']\n")

    def vendor_data(self) -> str:
        """Its vendor data."""
        return json.dumps({"cloud-init": (
            f"#cloud-config\nwrite_files:\n  - path: /var/lib/lab-vendor\n    content: {self.marker}\n")})

    def instance(self) -> str:
        """What its operator says of it."""
        # Whoever believes to be on EC2 asks for a token, and needs no more.
        imds = "<imds tokens='required' hop-limit='1'/>" if self.cloud == "ec2" else ""
        name = f"<hostname>{self.hostname}</hostname>" if self.hostname else ""
        return (
            f"<instance>{name}<userdata encoding='base64'>{base64.b64encode(self.user_data().encode()).decode()}</userdata>"
            f"<vendordata>{escape(self.vendor_data())}</vendordata>"
            f"<public-keys><public-key name='operator'><key>{self.key}</key></public-key></public-keys>"
            f"<placement><availability-zone>{self.zone}</availability-zone></placement>"
            f"<tags><tag name='lab'>{self.tag}</tag><tag name='owner'>{self.marker}</tag></tags>"
            f"{self.interfaces and f'<interfaces>{self.interfaces}</interfaces>'}"
            f"{self.network and f'<network-config><![CDATA[{self.network}]]></network-config>'}{imds}</instance>")

    def smbios(self) -> str:
        """What it finds in SMBIOS."""
        entries = {
            "openstack": {"product": "OpenStack Nova"}, "ec2": {"uuid": self.uuid, "serial": self.uuid},
            # Debian 12's cloud-init asks over the network by the first name only, for which Debian 13's has a warning.
            "nocloud": {"serial": f"ds={'nocloud-net' if self.debian == 12 else 'nocloud'};s={self.origin}/nocloud/"},
        }[self.cloud]
        return "".join(f"<entry name='{name}'>{value}</entry>" for name, value in sorted(entries.items()))

    def domain(self, disk: Path, system: image.Image) -> str:
        """Its XML for libvirt."""
        words = "" if self.login else f"""
  <metadata>{self.instance().replace("<instance>", f"<instance xmlns='{NAMESPACE}'>", 1)}</metadata>
  <sysinfo type='smbios'><system>{self.smbios()}</system></sysinfo>"""
        return f"""<domain type='qemu'>
  <name>{self.name}</name><uuid>{self.uuid}</uuid>{words}
  <memory unit='MiB'>512</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{system.kernel}</kernel><initrd>{system.initrd}</initrd>
    <cmdline>root=/dev/vda rw console=ttyS0 loglevel=4</cmdline>{"" if self.login else "<smbios mode='sysinfo'/>"}</os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe' discard='unmap'/>
      <source file='{disk}'/><target dev='vda' bus='virtio'/></disk>
    {"".join(
        f"<interface type='{kind}'><mac address='{mac}'/><source {source}/><model type='virtio'/></interface>"
        for kind, source, mac in [(self.kind, self.source, self.mac), *([self.second] if self.second else [])])}
    <serial type='file'><source path='{self.console}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <controller type='usb' model='none'/><memballoon model='none'/>
  </devices>
</domain>
"""

    def start(self, system: image.Image) -> None:
        """Starts it, with a disk of its own."""
        disk = self.host.directory / f"{self.name}.qcow2"
        image.overlay(system, disk)
        if not self.login:
            return self.host.define("create", self.name, self.domain(disk, system))
        self.host.define("define", self.name, self.domain(disk, system))
        self._enable()
        self.host.virsh("start", self.name)

    def _enable(self) -> None:
        """Says by the program's own command what `instance` would say."""
        key, data = self.host.directory / f"{self.name}.pub", self.host.directory / f"{self.name}-user-data"
        key.write_text(self.login + "\n")
        data.write_text(self.user_data())
        self.host.program(
            "enable", self.name, "--identity", self.cloud, "--ssh-key", os.fspath(key), "--user-data", os.fspath(data),
            "--hostname", self.hostname, "--set", f"vendordata={self.vendor_data()}",
            "--set", f"placement/availability-zone={self.zone}", "--set", f"tags/tag[lab]={self.tag}",
            "--set", f"tags/tag[owner]={self.marker}")

    def edit(self, tag: str) -> None:
        """Changes a word of the operator's while the guest runs."""
        self.tag = tag
        self.host.virsh(
            "metadata", self.name, "--uri", NAMESPACE, "--key", "vm", "--live", "--set", self.instance())

    # Inside

    def _agent(self, command: str, **arguments: Any) -> Any:
        """Asks the guest's agent."""
        request = json.dumps({"execute": command, "arguments": arguments} if arguments else {"execute": command})
        answer = self.host.virsh("qemu-agent-command", "--timeout", "15", self.name, request, seconds=40)
        return json.loads(answer)["return"]

    def wait_for_agent(self, seconds: float = BOOT_SECONDS) -> None:
        """Waits until the guest has come so far that its agent answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._agent("guest-ping")
                return
            except CommandError as error:
                if self.name not in self.host.virsh("list", "--name"):
                    raise Failure(f"{self.name} does not run any more") from error
                time.sleep(1)
        raise Failure(f"{self.name} has no agent after {seconds:.0f} s")

    def execute(self, *command: str, text: str = "", seconds: float = 120) -> str:
        """Runs a command inside as root and gives what it prints."""
        started = self._agent("guest-exec", **{
            "path": command[0], "arg": list(command[1:]), "capture-output": True,
            "input-data": base64.b64encode(text.encode()).decode()})
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self._agent("guest-exec-status", pid=started["pid"])
            if state["exited"]:
                printed = base64.b64decode(state.get("out-data", "")).decode(errors="replace")
                if state.get("exitcode") != 0:
                    complaint = base64.b64decode(state.get("err-data", "")).decode(errors="replace")
                    raise Failure(f"{self.name}: {command}: status {state.get('exitcode')}: {complaint[-800:]}")
                return printed
            time.sleep(0.5)
        raise Failure(f"{self.name}: {command} does not end within {seconds:.0f} s")

    def probe(self, *arguments: str, seconds: float = 240) -> Any:
        """Runs the probe inside."""
        return json.loads(self.execute("/usr/bin/python3", "-", self.server, *arguments, text=PROBE.read_text(), seconds=seconds))

    def addresses(self, mac: str) -> list[str]:
        """The addresses of one of its cards, with their prefixes."""
        links = json.loads(self.execute("/bin/ip", "-json", "address"))
        return [f"{one['local']}/{one['prefixlen']}" for link in links if link.get("address") == mac for one in link["addr_info"]]

    def boot_id(self) -> str:
        """Names the present boot."""
        return self.execute("/bin/cat", "/proc/sys/kernel/random/boot_id").strip()

    def wait_for_cloud_init(self, seconds: float = BOOT_SECONDS) -> None:
        """Waits until cloud-init has written its result, asking little of a slow guest."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.execute("/bin/sh", "-c", "test -s /run/cloud-init/result.json && echo yes || echo no").strip() == "yes":
                return
            time.sleep(2)
        raise Failure(f"{self.name}: cloud-init has no result after {seconds:.0f} s")

    def wait_for_reboot(self, before: str, seconds: float = BOOT_SECONDS) -> None:
        """Waits until a boot other than `before` has an agent."""
        deadline = time.monotonic() + seconds
        while self.host.is_alive and time.monotonic() < deadline:
            try:
                if self.boot_id() != before:
                    return
            except (CommandError, Failure):
                pass  # it is going down, or coming up
            time.sleep(1)
        raise Failure(f"{self.name} has not started again after {seconds:.0f} s")

    def save_logs(self) -> list[Path]:
        """Copies what cloud-init and the network say inside to the lab's logs, as far as the guest still can."""
        saved = []
        sources = {
            os.path.basename(path): ("/bin/cat", path)
            for path in ("/run/cloud-init/ds-identify.log", "/var/log/cloud-init.log", "/var/log/cloud-init-output.log")}
        # What its network service made of the configuration that cloud-init wrote.
        sources["network.log"] = ("/bin/sh", "-c", "cat /run/systemd/network/*; ip address; ip route; ip -6 route;"
                                  " journalctl --no-pager -b -o short-monotonic -u systemd-networkd -u systemd-networkd-wait-online")
        for name, command in sources.items():
            target = self.host.directory / f"{self.name}-{name}"
            try:
                target.write_text(self.execute(*command, seconds=30))
                saved.append(target)
            except (CommandError, Failure, OSError):
                continue
        return saved
