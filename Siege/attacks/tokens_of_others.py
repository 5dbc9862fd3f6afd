"""A guest presents the token of its neighbour.

A token that leaked, as text, must be of no use to anybody else. Gained: the neighbour's data, where tokens are required. In the way: a
token names its instance, and who asks is known by its tap. No other attack has to fail for that.
"""

import attack
import space
from attack import Outcome
from field import METADATA, Field, ask
from host import Host

LIFE = "X-aws-ec2-metadata-token-ttl-seconds: 600\r\n"


class Attack(attack.Attack):
    """The forger has victim-1's token, its own, and one that is nobody's."""

    families = (4, 6)
    no_proof = "no option lets a token be another's; the forger's own token must be taken"
    token = ""

    def prepare(self, host: Host) -> None:
        """Makes a token in the victim."""
        with space.inside(host.victims[0].name):
            status, token = ask(METADATA[4], "/latest/api/token", method="PUT", fields=LIFE)
        if status != 200:
            raise space.Failure(f"the victim got no token: {status}")
        self.token = token.decode()

    def attack(self, field: Field) -> None:
        """Asks with each of them."""
        address = METADATA[field.family]
        own = ask(address, "/latest/api/token", method="PUT", fields=LIFE)[1].decode()
        field.ready()
        found: dict[str, set[int]] = {"own": set(), "victim": set(), "none": set()}
        forwarded = "X-Forwarded-For: " + field.victims[0].address(field.family) + "\r\n"
        while field.goes_on():
            for name, token in (("own", own), ("victim", self.token), ("none", self.token[::-1])):
                for more in ("", forwarded):
                    status, body = ask(address, fields=f"X-aws-ec2-metadata-token: {token}\r\n{more}")
                    found[name].add(status)
                    if b"victim" in body:
                        field.report["body"] = body.decode()
        field.report |= {name: sorted(seen) for name, seen in found.items()}

    def gained(self, outcome: Outcome) -> str | None:
        """An answer to another's token."""
        found = outcome.forger
        if 200 not in found["own"]:
            raise space.Failure(f"the forger's own token is not taken: {found['own']}")
        if 200 in found["victim"] + found["none"] or "body" in found:
            return f"the victim's token was answered {found['victim']}, a broken one {found['none']}: {found.get('body', '')}"
        return None
