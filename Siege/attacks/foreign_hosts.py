"""A web page in a guest's browser reads the guest's metadata by a name of its own that it points to 169.254.169.254.

A browser takes both for one origin and lets the page read the answer, and even ask for a token. Gained: user data and tokens, to whoever
has written the page. In the way: a request that bears two Hosts is refused, and so is one whose Host is neither an address of ours nor
configured, where a browser's fields are there.
"""

import attack
from attack import Outcome
from field import METADATA, Connection, Field

GET = "GET /latest/user-data HTTP/1.1\r\n"
PUT = "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
FOREIGN = {
    "two Hosts": GET + "Host: 169.254.169.254\r\nHost: evil.example\r\n\r\n",
    "a foreign Host with an Origin": GET + "Host: evil.example\r\nOrigin: http://evil.example\r\n\r\n",
    "a foreign Host with Sec-Fetch": GET + "Host: evil.example\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n\r\n",
    "a foreign Host with a Referer": GET + "Host: evil.example\r\nReferer: http://evil.example/page\r\n\r\n",
    "a foreign Host with a User-Agent that the page chose": GET + "Host: evil.example\r\nUser-Agent: curl/8\r\nAccept: */*\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n\r\n",
    "a foreign Host with a port": GET + "Host: evil.example:80\r\nOrigin: http://evil.example\r\n\r\n",
    "a name that begins as the address": GET + "Host: 169.254.169.254.evil.example\r\nOrigin: http://169.254.169.254.evil.example\r\n\r\n",
    "a token for a foreign Host": PUT + "Host: evil.example\r\nOrigin: http://evil.example\r\n\r\n",
    "the absolute form of a foreign host": GET.replace("/latest", "http://evil.example/latest") +
    "Host: evil.example\r\nOrigin: http://evil.example\r\n\r\n",
}
RIGHT = {
    "the address": GET + "Host: 169.254.169.254\r\n\r\n",
    "a token": PUT + "Host: 169.254.169.254\r\n\r\n",
    "the address of IPv6": GET + "Host: [fd00:ec2::254]\r\n\r\n",
}


class Attack(attack.Attack):
    """Every foreign Host, and those that must be answered."""

    hosts = ("address",)
    families = (4, 6)
    no_proof = "the requests with a Host of ours, which must be answered, show that it is the Host that is refused"

    def attack(self, field: Field) -> None:
        """Asks in turn."""
        field.ready()
        found: dict[str, list[int]] = {}
        while field.goes_on():
            for name, text in (FOREIGN | RIGHT).items():
                connection = Connection(METADATA[field.family])
                connection.send(text.encode())
                status = connection.answer()[0]
                connection.close()
                if status not in found.setdefault(name, []):
                    found[name].append(status)
        field.report["statuses"] = found

    def gained(self, outcome: Outcome) -> str | None:
        """A page that would have been answered."""
        found = outcome.forger["statuses"]
        if broken := [name for name in RIGHT if found.get(name) != [200]]:
            return f"not answered, and should be: {', '.join(broken)}"
        taken = [name for name in FOREIGN if 200 in found[name] or 0 in found[name]]
        return f"answered: {', '.join(taken)}" if taken else None
