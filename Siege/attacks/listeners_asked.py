"""Guests, guests of another bridge, a tap that nobody knows and the LAN go round the metadata addresses to the server's sockets.

The sockets listen on every address that the host has. Gained: answers without the limits that hold for the metadata addresses, for
machines that are to be answered by nobody. In the way: what was not sent to a metadata address by a guest's own tap does not reach them
(counter `not_served`); and a machine beyond an uplink is not answered at the metadata addresses either.
"""

import errno
import select
import socket
import time

import attack
import rules
import space
from attack import Outcome
from field import LOCAL, METADATA, Field
from host import Host


def connects(address: str, ports: list[int], seconds: float = 0.4) -> list[int]:
    """To which of the ports a connection can be made, all at once."""
    found, waiting = [], {}
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    scope = (0, socket.if_nametoindex("eth0")) if address.startswith("fe80") else ()
    for port in ports:
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)
        result = one.connect_ex((address, port, *scope))
        if result in (0, errno.EINPROGRESS):
            waiting[one] = port
        else:
            one.close()
    deadline = time.monotonic() + seconds
    while waiting and (left := deadline - time.monotonic()) > 0:
        for one in select.select([], list(waiting), [], left)[1]:
            port = waiting.pop(one)
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            one.close()
    for one in waiting:
        one.close()
    return sorted(found)


class Attack(attack.Attack):
    """Everybody tries every socket at every address."""

    hosts = ("address", "redirect", "bridge", "auto")
    attackers = ("forger", "neighbour", "stranger", "lan")
    proofs = (("address", 4), ("address", 6))
    ports: tuple[int, ...] = ()

    def prepare(self, host: Host) -> None:
        """Finds the ports that the server listens on."""
        found = set()
        for line in space.call("ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes").splitlines():
            if f"pid={host.server.pid}," in line:
                found.add(int(line.split()[3].rsplit(":", 1)[1]))
        self.ports = tuple(sorted(found))
        if not found:
            raise space.Failure("ss shows no port that the server listens on")

    def attack(self, field: Field) -> None:
        """Tries."""
        addresses = {4: [METADATA[4], "192.0.2.1", "192.0.3.1"],
                     6: [METADATA[6], LOCAL, "2001:db8:2::1", "2001:db8:3::1", "fe80::ff:fe00:fe", "fe80::ff:fe00:1fe"]}[field.family]
        field.ready()
        found: dict[str, list[int]] = {address: [] for address in addresses}
        while field.goes_on():
            for address in addresses:
                # A guest at a metadata address is what the server is for.
                is_right = address in (*METADATA.values(), LOCAL) and field.me.name != "lan"
                ports = [port for port in self.ports if not (port == 80 and is_right)] + ([80] if field.me.name == "lan" else [])
                for start in range(0, len(ports), 64):
                    found[address] = sorted({*found[address], *connects(address, ports[start:start + 64])})
        field.report |= {"connected": {address: ports for address, ports in found.items() if ports}, "tried": len(self.ports)}

    def gained(self, outcome: Outcome) -> str | None:
        """A connection."""
        made = [f"{name} to {address} ports {', '.join(map(str, ports[:5]))}" for name, report in outcome.reports.items()
                for address, ports in report.get("connected", {}).items()]
        return f"connected: {'; '.join(made)}" if made else None

    def weaken(self, host: Host) -> None:
        """Lets in what was sent to the sockets' ports, as if it had come by the rule of each port, and out what answers from any address."""
        rules.remove(r"tcp dport \d+-\d+ ", "inet")
        rules.remove(r"^tcp sport \d+-\d+ .*drop", "netdev", "from_host_.*")
        rules.give_marks()
