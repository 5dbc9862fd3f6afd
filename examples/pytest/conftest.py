"""The fixture: an emulator for each test, on free ports."""

import json
import os
import subprocess
import urllib.request

import pytest


class Metadata:
    """A running emulator, whose clock the test steps."""

    def __init__(self, *arguments):
        program = os.environ.get("VIRT_METADATA", "virt-metadata")
        command = [program, "emulate", "--clock", "manual", "--control", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        # It prints `example: URL` and `control: URL` once it answers.
        self.url, self.control = (self.process.stdout.readline().split()[-1] for _ in range(2))

    def advance(self, seconds):
        urllib.request.urlopen(self.control + "/clock", json.dumps({"advance": seconds}).encode()).close()

    def requests(self):
        with urllib.request.urlopen(self.control + "/requests") as reply:
            return json.load(reply)["requests"]


@pytest.fixture
def metadata(request):
    marker = request.node.get_closest_marker("emulate")
    emulator = Metadata(*(marker.args if marker else ()))
    yield emulator
    emulator.process.terminate()
    assert emulator.process.wait(10) == 0


def pytest_configure(config):
    config.addinivalue_line("markers", "emulate(*arguments): further arguments of virt-metadata emulate")
