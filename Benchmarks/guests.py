"""The compiled client, storm.c: many guests that ask at once, from the clients' core."""

import json
import os
import subprocess

import hypervisor
import lab
import servers
import trusted

PROGRAM = os.path.abspath(".build/storm")


def at_home(number):
    """A guest that has a network of its own: its line for the client."""
    return f"{hypervisor.namespace(number)} {lab.METADATA_ADDRESS} 80 - {hypervisor.instance_id(number)}\n"


def forwarded(number):
    """A guest for which the trusted peer asks: its line for the client."""
    return f"- {trusted.ADDRESS} {trusted.PORT} {trusted.address(number)} {hypervisor.instance_id(number)}\n"


class Client(lab.Program):
    """The client at work."""

    def __init__(self, kind, lines, paths, amount, seconds, core, place, urgent=False):
        """`urgent` is whoever measures beside others on its core, and is not to wait for them."""
        inputs = [hypervisor.write(f"{place}/{kind}.{name}", text) for name, text in (
            ("guests", "".join(lines)), ("paths", "".join(path + "\n" for path in paths)))]
        urgency = ("chrt", "--fifo", "1") if urgent else ()
        self.seconds = seconds
        super().__init__(
            f"storm {kind}", ["taskset", "--cpu-list", str(core), *urgency, PROGRAM, kind, *inputs, str(amount), str(seconds)],
            f"{place}/{kind}.log")

    def found(self):
        """What it found, once it has ended: the JSON of its last line, and the faults that it told before."""
        try:
            self.process.wait(self.seconds + 30)
        except subprocess.TimeoutExpired as error:
            raise lab.Failure(f"{self.name} does not end") from error
        if self.process.returncode != 0:
            self.check()
        *faults, last = self.output().strip().splitlines()
        return json.loads(last) | {"faults": faults}


def steady(numbers, rate, seconds, core, place):
    """Guests with networks of their own that each ask for their instance-id so many times a second."""
    with Client("steady", map(at_home, numbers), [servers.PATH], rate, seconds, core, place, urgent=True) as client:
        return client.found()
