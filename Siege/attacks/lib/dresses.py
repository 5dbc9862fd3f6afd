"""What a guest sends in many dresses, again and again."""

import wire
from field import Field


def send(field: Field, found: dict[str, list[bytes]]) -> None:
    """Sends the frames of each dress in turn while the attack goes on, slowly enough for a kernel to take each."""
    card, sent = wire.Wire(), 0
    field.ready()
    while field.goes_on():
        for frames in found.values():
            card.send(*frames)
            sent += 1
            for _ in card.received(0.02):
                pass
    field.report["sent"] = sent
