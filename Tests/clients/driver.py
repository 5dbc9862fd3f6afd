"""What the drivers beside this file share: where an unpacked client is, and a log that can be printed."""
import logging
import pathlib
import sys

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / ".build/clients"


def use(client):
    """Lets the modules of an unpacked client be imported."""
    sys.path.insert(0, str(CLIENTS / client))


class Log(logging.Handler):
    """Keeps every record of a level or above, whoever logs it, as a sentence."""

    def __init__(self, level):
        super().__init__(level)
        self.messages = []
        logging.getLogger().addHandler(self)

    def emit(self, record):
        self.messages.append(record.getMessage())
