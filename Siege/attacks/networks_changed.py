"""An operator defines and undefines networks that no domain uses, without pause.

libvirt reports each change. Gained: a neighbour that is not served after its start, or after a restart of the server, because a change of
a network has domains read again and reading them never ends. In the way: only domains that name a network which really changed are read
again, in turns with domains that start; reading everything and reading what changed take turns too.
"""

import time
from threading import Event, Thread

import attack
import space
from attack import Outcome
from attacks.target_of_others import UUID, intruder
from field import Field
from guest import Guest
from host import Host

DOMAINS, NETWORKS = 200, 100
# In seconds; without the defence 37 after a start, and 75 after a restart.
LONGEST = 10


class Attack(attack.Attack):
    """Networks change while victim-1 and then the server are started again."""

    families = (4,)
    hosts = ("address",)
    victims = slice(1, None)
    rate = 50
    ends_connections = True
    no_proof = "no option has a domain read again for a network that it does not use; the number of changes shows that they are made"

    def prepare(self, host: Host) -> None:
        """Starts domains on a bridge, which name no network."""
        documents = [
            intruder(f"<interface type='bridge'><mac address='52:54:00:22:00:{number:02x}'/><source bridge='br0'/>"
                     f"<target dev='none{number}'/></interface>").replace("<name>intruder", f"<name>some-{number}").replace(
                         UUID[-4:], f"{0xe000 + number:04x}") for number in range(DOMAINS)]
        for begin in range(0, DOMAINS, 100):
            host.hypervisor.start(*documents[begin:begin + 100])

    def attack(self, field: Field) -> None:
        """Nothing: the operator attacks."""
        field.wait()

    def during(self, host: Host, outcome: Outcome) -> None:
        """Changes networks."""
        first, report = host.victims[0], outcome.host_report
        commands = []
        for number in range(NETWORKS):
            with open(f"/run/siege/net-{number}.xml", "w", encoding="utf-8") as file:
                file.write(f"<network><name>net-{number}</name></network>")
            commands += [f"net-define /run/siege/net-{number}.xml", f"net-undefine net-{number}"]
        enough = Event()
        report["changes"] = 0

        def change() -> None:
            while not enough.is_set():
                space.call("virsh", "--quiet", "--connect", host.hypervisor.uri, "; ".join(commands))
                report["changes"] += len(commands)

        thread = Thread(target=change)
        thread.start()
        try:
            time.sleep(1)
            report["seconds after a start"] = self._start(host, first)
            host.server.end()
            host.server.spawn()
            report["seconds after a restart of the server"] = self._served(host, first)
        finally:
            enough.set()
            thread.join()

    def _start(self, host: Host, one: Guest) -> float:
        host.hypervisor.stop(one.name)
        one.unplug()
        one.plug()
        host.heal()
        host.hypervisor.start(one.xml())
        return self._served(host, one)

    @staticmethod
    def _served(host: Host, one: Guest) -> float:
        begin = time.monotonic()
        host.wait_until_served(one, seconds=100)
        return round(time.monotonic() - begin, 1)

    def gained(self, outcome: Outcome) -> str | None:
        """A victim that waits."""
        report = outcome.host_report
        if report["changes"] < 2 * NETWORKS:
            return f"the attack did not work: only {report['changes']} changes"
        late = {what: report[what] for what in report if what.startswith("seconds") and report[what] > LONGEST}
        return f"victim-1 was served late: {late}" if late else None

    def restore(self, host: Host) -> None:
        """Ends the domains."""
        host.hypervisor.stop(*(f"some-{number}" for number in range(DOMAINS)))
        host.wait_until_served(host.victims[0], seconds=60)
