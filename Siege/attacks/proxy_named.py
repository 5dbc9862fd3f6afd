"""A guest bears the address of a proxy that the server trusts, and says whom it forwards for.

`--trust-forwarded-for` names proxies by their addresses, and a guest may write any address into what it sends: its replies come back to
its own tap, whatever address they are for. Gained: every guest's metadata, by one header; connections and requests without a limit. In the
way: who comes by a bridge is a guest, whatever its address, and is believed nothing.
"""

import attack
import space
import wire
from attack import Outcome
from field import METADATA, Connection, Field
from host import Host
from puppets import Puppets

# A proxy on the guests' own network, and one elsewhere.
PROXIES = {4: ("192.0.2.99", "198.51.100.7"), 6: ("2001:db8:2::99", "2001:db8:77::7")}
TRUSTED = tuple(word for texts in PROXIES.values() for text in texts for word in ("--trust-forwarded-for", text))
# An address of the host's own, where whoever connects is known by addresses alone.
OPEN = ("--listen", "192.0.2.1:8775", "--listen", "[2001:db8:2::1]:8775")


class Attack(attack.Attack):
    """The forger connects as each proxy, and asks as each victim."""

    hosts = ("address", "redirect", "bridge", "auto")
    options = TRUSTED
    # What is promised of addresses: nothing.
    weak_options = (*TRUSTED, *OPEN)
    proofs = (("address", 4), ("address", 6))
    is_open = False

    def attack(self, field: Field) -> None:
        """Asks, also for a token."""
        card, port, bodies = wire.Wire(), 20000, set()
        puppets = Puppets(field, card)
        proxies = [wire.ip(text) for text in PROXIES[field.family]]
        field.ready()
        while field.goes_on():
            for one in field.victims:
                port = 20000 + (port + 1) % 20000
                named = f"X-Forwarded-For: {one.address(field.family)}\r\n\r\n".encode()
                puppets.connect(field.me.link, proxies[port % 2], port, request=b"GET /latest/user-data HTTP/1.1\r\n" + named)
                puppets.work(0.02)
            if self.is_open:
                bodies |= self._openly(field)
        field.report |= {"opened": puppets.opened, "bodies": sorted(puppets.bodies() | bodies)}

    @staticmethod
    def _openly(field: Field) -> set[str]:
        """Asks where addresses are all that there is to know of a client, from the proxy's own."""
        source, host = PROXIES[field.family][0], {4: "192.0.2.1", 6: "2001:db8:2::1"}[field.family]
        space.ip(f"address replace {source}/{24 if field.family == 4 else 64} dev eth0")
        connection = Connection(host, 8775, source=source)
        _, body = connection.ask(fields=f"X-Forwarded-For: {field.victims[0].address(field.family)}\r\n")
        connection.close()
        return {body.decode(errors="replace")}

    def prepare(self, host: Host) -> None:
        """Whoever is asked about has been heard of."""
        for one in host.victims:
            for family in METADATA:
                with space.inside(one.name):
                    Connection(METADATA[family]).close()

    def gained(self, outcome: Outcome) -> str | None:
        """What is a victim's."""
        if not outcome.forger["opened"]:
            raise space.Failure("the forger opened no connection at all: the attack does not work")
        read = [body for body in outcome.forger["bodies"] if "victim" in body]
        return f"the forger read {read}" if read else None

    def weaken(self, host: Host) -> None:
        """Asks at an address of the host's own too."""
        self.is_open = True

    def restore(self, host: Host) -> None:
        """The forger has its own address alone."""
        self.is_open = False
        space.call("ip", "-n", host.forger.name, "address", "flush", "dev", "eth0", "to", PROXIES[4][0])
        space.call("ip", "-n", host.forger.name, "address", "flush", "dev", "eth0", "to", PROXIES[6][0])
