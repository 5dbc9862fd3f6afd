"""A guest keeps a connection, or half a request, until its tap has gone to another domain.

The forger's domain ends while its guest lives on, and its tap and hardware address go to an heir, as when an instance is deleted and its
port is used again. Gained: the heir's user data, on a connection that was known as the forger's. In the way: a connection belongs to one
run of one domain on one tap, and ends with it.
"""

import contextlib
import select
import time

import attack
import space
from attack import Outcome
from field import METADATA, Connection, Field
from host import Host

BODY = "USER-DATA-OF-heir"
UUID = "7b1c4a5e-0000-4000-8000-00000000000a"
HALF = b"GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n"


class Attack(attack.Attack):
    """Connections that have asked, that have not, that have half asked, and that have asked and not read."""

    hosts = ("address", "redirect", "bridge")
    no_proof = "no option lets a connection outlive its run; the forger must read its own data before, and the heir's anew after"

    def attack(self, field: Field) -> None:
        """Keeps them, and asks by each from time to time."""
        address, kept = METADATA[field.family], {}
        for name in ("asked", "idle", "half", "pipelined"):
            kept[name] = Connection(address, seconds=6)
        before = [kept["asked"].ask()[1].decode(), kept["pipelined"].ask()[1].decode()]
        kept["half"].send(HALF)
        field.report |= {"before": before, "bodies": {}, "ended": {}}
        field.ready()
        begin = time.monotonic()
        # To the end, though all may have ended before: what is asked anew is the heir's.
        while field.goes_on():
            for name, one in list(kept.items()):
                # An end is seen without asking.
                if name in ("half", "idle") and time.monotonic() - begin < 2.2 and not select.select([one.socket], [], [], 0)[0]:
                    continue
                if name == "pipelined":
                    with contextlib.suppress(OSError):
                        one.send((HALF + b"\r\n") * 4)
                status, body = self._answer(one, name)
                field.report["bodies"].setdefault(name, [])
                if body.decode(errors="replace") not in field.report["bodies"][name]:
                    field.report["bodies"][name].append(body.decode(errors="replace"))
                if status == 0:
                    field.report["ended"][name] = round(time.monotonic() - begin, 2)
                    one.close()
                    del kept[name]
            time.sleep(0.02)
        new = Connection(address, seconds=6)
        field.report["new"] = new.ask()[1].decode(errors="replace")

    @staticmethod
    def _answer(one: Connection, name: str) -> tuple[int, bytes]:
        if name != "half":
            return one.ask()
        with contextlib.suppress(OSError):
            one.send(b"\r\n")
        answer = one.answer()
        with contextlib.suppress(OSError):
            one.send(HALF)
        return answer

    def during(self, host: Host, outcome: Outcome) -> None:
        """Gives the tap to an heir."""
        time.sleep(0.4)
        forger = host.forger
        host.hypervisor.stop(forger.name)
        time.sleep(0.3)
        heir = forger.xml(body=BODY).replace("<name>forger</name>", "<name>heir</name>").replace(forger.uuid, UUID)
        host.hypervisor.start(heir)
        host.wait_until_served(forger, BODY)
        time.sleep(1.5)

    def gained(self, outcome: Outcome) -> str | None:
        """The heir's data by an old connection."""
        found = outcome.forger
        if found["before"] != [outcome.host.forger.body] * 2 or found["new"] != BODY:
            raise space.Failure(f"the attack does not work: before {found['before']}, after {found['new']}")
        read = [name for name, bodies in found["bodies"].items() if BODY in "".join(bodies)]
        if read:
            return f"old connections read the heir's user data: {', '.join(read)}"
        open_still = [name for name in ("asked", "idle", "half", "pipelined") if name not in found["ended"]]
        return f"old connections were not ended: {', '.join(open_still)}" if open_still else None

    def restore(self, host: Host) -> None:
        """The forger's own domain again."""
        with contextlib.suppress(Exception):
            host.hypervisor.stop("heir")
        if host.forger.name not in host.hypervisor.names():
            host.hypervisor.start(host.forger.xml())
        host.wait_until_served(host.forger)
