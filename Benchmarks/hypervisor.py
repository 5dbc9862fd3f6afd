"""libvirt with as many domains as wanted, of its own test driver: as a file that each process reads, or as a daemon."""

import os
import subprocess
import time

import lab

INSTANCE_ID = "i-12345678"
NAMESPACE = "urn:virt-metadata:instance:1"
# How long libvirt may take to create all domains, in seconds.
PATIENCE = 300


def plug(count):
    """Plugs neighbours 1 to `count` in that are not yet; each has a network namespace of its own."""
    for number in range(1, count + 1):
        if not os.path.exists(f"/run/netns/{namespace(number)}"):
            lab.plug((), namespace(number), f"tap{number}", mac(number), f"198.18.{number >> 8}.{number & 0xFF}/16")


def namespace(number):
    """Where the measured guest, number 0, or one of its neighbours stands."""
    return lab.GUEST if number == 0 else f"neighbour-{number}"


def mac(number):
    """The hardware address of the measured guest, number 0, or of one of its neighbours."""
    return lab.GUEST_MAC if number == 0 else f"52:54:01:{number >> 16 & 0xFF:02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"


def instance_id(number):
    """What the measured guest, number 0, or one of its neighbours is to be answered."""
    return INSTANCE_ID if number == 0 else f"i-{number:08x}"


def operators(identity):
    """The operator's part of a domain's XML."""
    return f"""\
    <instance xmlns='{NAMESPACE}'>
      <instance-id>{identity}</instance-id>
      <public-keys><public-key name='admin'><key format='openssh-key'>ssh-ed25519 AAAA admin</key></public-key></public-keys>
      <userdata>#cloud-config</userdata>
    </instance>
"""


def domain(number=0):
    """The XML of the measured guest, number 0, or of one of its neighbours."""
    return f"""\
<domain type='test'>
  <name>guest-{number}</name>
  <uuid>00000000-0000-4000-8000-{number:012d}</uuid>
  <metadata>
{operators(instance_id(number))}  </metadata>
  <memory unit='KiB'>1048576</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <interface type='bridge'>
      <mac address='{mac(number)}'/>
      <source bridge='{lab.BRIDGE}'/>
      <target dev='tap{number}'/>
    </interface>
  </devices>
</domain>
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def node_file(place, domains=1):
    """The URI of a hypervisor with the measured guest and some neighbours, in no need of a daemon."""
    return "test://" + write(f"{place}/node.xml", f"<node>{''.join(domain(number) for number in range(domains))}</node>\n")


class Libvirtd:
    """A libvirtd of our own, with running domains of the test driver, which live as long as one connection to it."""

    def __init__(self, place, domains, first=0):
        self.domains = domains
        self.numbers = range(first, first + domains)
        self.place = f"{place}/libvirtd-{domains}-{first}"
        os.makedirs(f"{self.place}/no-drivers")
        self.uri = f"test+unix:///default?socket={self.place}/libvirt-sock"
        self.daemon = self.shell = None
        self.batches = 0

    def __enter__(self):
        try:
            self._start()
            self._create()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.shell:
            self.shell.kill()
            self.shell.wait(10)
        if self.daemon:
            self.daemon.stop()

    def _start(self):
        configuration = write(f"{self.place}/libvirtd.conf", f"""\
unix_sock_dir = "{self.place}"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
""")
        # The test driver is part of the library; without the others, nothing of this machine is touched.
        self.daemon = lab.Program(
            "libvirtd",
            ["unshare", "--mount", "sh", "-ec", 'for place in /run /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do'
             ' mkdir -p $place; mount -t tmpfs none $place; done; exec "$@"', "sh",
             "libvirtd", "--config", configuration, "--pid-file", f"{self.place}/pid"],
            f"{self.place}/log", {"LIBVIRT_DRIVER_DIR": f"{self.place}/no-drivers"})

        def listening():
            self.daemon.check()
            return os.path.exists(f"{self.place}/libvirt-sock")

        lab.wait_until(listening, "libvirtd listens")

    def _create(self):
        self.log = f"{self.place}/virsh.log"
        with open(self.log, "wb") as output:
            self.shell = subprocess.Popen(
                ["virsh", "--quiet", "--connect", self.uri], stdin=subprocess.PIPE, stdout=output, stderr=output, text=True)
        self.do("destroy test", *(self.creation(number) for number in self.numbers))
        running = lab.call("virsh", "--quiet", "--connect", self.uri, "list", "--name").split()
        if len(running) != self.domains:
            raise lab.Failure(f"{len(running)} domains run, not {self.domains}; see what virsh says: {self._said()[:1000]}")

    def creation(self, number):
        """What to tell virsh so that a domain starts."""
        return "create " + write(f"{self.place}/{number}.xml", domain(number))

    def begin(self, *lines):
        """Tells the shell, which stays open after the last line: the domains end with the last connection."""
        self.batches += 1
        self.shell.stdin.write("\n".join([*lines, f"echo done-{self.batches}.", ""]))
        self.shell.stdin.flush()

    def is_done(self):
        """Whether all that the shell was told has been done."""
        with open(self.log, "rb") as text:
            text.seek(max(0, os.path.getsize(self.log) - 64))
            return f"done-{self.batches}.".encode() in text.read()

    def do(self, *lines, seconds=PATIENCE):
        """Tells the shell, and waits until that is done."""
        self.begin(*lines)
        deadline = time.monotonic() + seconds
        while not self.is_done():
            if time.monotonic() > deadline:
                raise lab.Failure(f"virsh: {lines[0]}: not within {seconds} s")
            time.sleep(0.001)

    def _said(self):
        with open(self.log, encoding="utf-8") as text:
            return text.read()
