"""The host: a libvirtd with domains of the test driver, and the file that names the hardware addresses of their guests."""

import base64
import os
import threading
import uuid

import libvirt

NAMESPACE = "urn:virt-metadata:instance:1"
PASSWORD_NAMESPACE = "urn:virt-metadata:password:1"
NETWORK = """
<network><name>soak</name><forward mode='open'/><bridge name='soak0'/>
  <ip address='10.144.0.1' netmask='255.255.0.0'><dhcp><range start='10.144.1.1' end='10.144.200.254'/></dhcp></ip>
</network>
"""


class Guest:
    """A place on the host where one domain after the other runs, each with names of its own, all at one address."""

    def __init__(self, number):
        """Nothing runs here yet."""
        self.number = number
        self.address = f"127.1.{number >> 8}.{number & 0xFF}"
        self.lock = threading.Lock()
        self.is_running = False
        self.generation = 0
        self.edits = 0
        self.token = None
        self.mac = "52:54:00:00:00:00"
        self.uuid = self.instance_id = self.hostname = ""
        self.user_data = None

    @property
    def is_defined(self):
        """Whether its domain stays defined while it does not run."""
        return self.number % 2 == 1

    def succeed(self, chance):
        """Becomes another guest, which nobody has seen before."""
        self.generation += 1
        self.mac = f"52:54:{self.generation >> 8 & 0xFF:02x}:{self.generation & 0xFF:02x}:{self.number >> 8:02x}:{self.number & 0xFF:02x}"
        self.uuid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        self.token = None
        self.reword(chance)

    def reword(self, chance):
        """Takes other words of its operator."""
        self.edits += 1
        self.instance_id = f"i-{self.number:04x}{self.edits:08x}"
        self.hostname = f"guest-{self.number}-{self.edits}"
        self.user_data = chance.randbytes(chance.randrange(1, 8192)) if chance.random() < 0.7 else None

    def element(self):
        """The operator's element, without its namespace."""
        data = self.user_data and f"<userdata encoding='base64'>{base64.b64encode(self.user_data).decode()}</userdata>"
        return f"""<instance>
          <instance-id>{self.instance_id}</instance-id><hostname>{self.hostname}</hostname>
          <public-keys><public-key name='admin'><key format='openssh-key'>ssh-ed25519 AAAA{self.number} admin</key></public-key></public-keys>
          <tags><tag name='role'>{self.hostname}</tag></tags>{data or ''}
        </instance>"""

    def xml(self):
        """Its domain."""
        plugged = "<source bridge='br0'/>" if self.number % 4 < 2 else "<source network='soak'/>"
        kind = "bridge" if self.number % 4 < 2 else "network"
        return f"""
        <domain type='test'>
          <name>guest-{self.number}-{self.generation}</name><uuid>{self.uuid}</uuid>
          <metadata>{self.element().replace('<instance>', f"<instance xmlns='{NAMESPACE}'>", 1)}</metadata>
          <memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os>
          <devices><interface type='{kind}'><mac address='{self.mac}'/>{plugged}</interface></devices>
        </domain>"""


class Host:
    """A connection to libvirtd that stays open, as the test driver's domains live as long as one."""

    def __init__(self, uri, neighbours):
        """Has no connection yet."""
        self._uri, self._neighbours = uri, neighbours
        self._macs = {}
        self._lock = threading.Lock()
        self._connection = None
        libvirt.registerErrorHandler(lambda *_: None, None)

    def connect(self):
        """Connects, and makes the network."""
        self._connection = libvirt.open(self._uri)
        self._connection.networkDefineXML(NETWORK).create()

    def place(self, guest):
        """Writes who is at the guest's address, as a whole new file."""
        with self._lock:
            self._macs[guest.address] = guest.mac
            lines = [f"{address} 0x1 0x2 {mac} * br0\n" for address, mac in self._macs.items()]
            with open(self._neighbours + ".new", "w", encoding="utf-8") as file:
                file.writelines(lines)
            os.rename(self._neighbours + ".new", self._neighbours)

    def start(self, guest):
        """Makes the guest's domain run."""
        if guest.is_defined:
            self._connection.defineXML(guest.xml()).create()
        else:
            self._connection.createXML(guest.xml())

    def end(self, guest):
        """Ends it as a power cut would, and forgets it."""
        domain = self._domain(guest)
        domain.destroy()
        if guest.is_defined:
            domain.undefine()

    def edit(self, guest):
        """Gives it the operator's words that it has by now."""
        self._domain(guest).setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, guest.element(), "vm", NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def clear_password(self, guest):
        """Takes away what the guest left."""
        self._domain(guest).setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, "vm-password", PASSWORD_NAMESPACE, self._places(guest))

    def suspend_and_resume(self, guest):
        """Two events of which none changes what the guest reads."""
        domain = self._domain(guest)
        domain.suspend()
        domain.resume()

    def restart_network(self):
        """Stops the network and starts it again."""
        network = self._connection.networkLookupByName("soak")
        network.destroy()
        network.create()

    def _domain(self, guest):
        return self._connection.lookupByUUIDString(guest.uuid)

    def _places(self, guest):
        return libvirt.VIR_DOMAIN_AFFECT_LIVE | (libvirt.VIR_DOMAIN_AFFECT_CONFIG if guest.is_defined else 0)
