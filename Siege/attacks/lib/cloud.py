"""What reaches the host's own cloud, on a host that is a cloud instance itself."""

import space
import wire
from field import METADATA
from host import Host


class Sniffer:
    """Counts what guests' packets arrive at the cloud's metadata service."""

    def __init__(self) -> None:
        """Listens where the cloud is."""
        with space.inside("cloud"):
            self._card = wire.Wire()

    def count(self, host: Host, seconds: float = 0) -> int:
        """The IP packets for a metadata address and port 80, whole or in part, that did not come from the host itself."""
        wanted, own, found = {wire.ip(text) for text in METADATA.values()}, {wire.ip("203.0.113.2"), wire.ip("2001:db8:ff::2")}, 0
        for frame in self._card.received(seconds):
            kind = frame[12:14]
            source, target = (frame[26:30], frame[30:34]) if kind == b"\x08\0" else (frame[22:38], frame[38:54])
            if kind not in (b"\x08\0", b"\x86\xdd") or target not in wanted or source in own:
                continue
            protocol, payload = (frame[23], frame[14 + (frame[14] & 15) * 4:]) if kind == b"\x08\0" else (frame[20], frame[54:])
            # Other ports and protocols are routed, as ever.
            if protocol in (wire.TCP, wire.FRAGMENT, wire.HOP_BY_HOP, wire.DESTINATION_OPTIONS, 43):
                found += not (protocol == wire.TCP and payload[2:4] != b"\0\x50" and not self._is_later_fragment(frame, kind))
        return found

    @staticmethod
    def _is_later_fragment(frame: bytes, kind: bytes) -> bool:
        return kind == b"\x08\0" and bool((frame[20] << 8 | frame[21]) & 0x1FFF)
