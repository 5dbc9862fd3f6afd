import urllib.error

import agent
import pytest


@pytest.mark.emulate("--scenario", "spot,delay=30s,action=stop", "--session-tokens", "required")
def test_an_interruption_is_seen(metadata):
    assert agent.interruption(metadata.url) is None
    metadata.advance(30)
    action, time = agent.interruption(metadata.url)
    assert action == "stop" and time.endswith("Z")
    seen = [(one["method"], one["token"], one["status"]) for one in metadata.requests()]
    assert seen == [("PUT", "none", 200), ("GET", "good", 404), ("PUT", "none", 200), ("GET", "good", 200)]


@pytest.mark.emulate("--scenario", "slow-boot,silent=0s,unavailable=10s")
def test_a_server_that_is_not_ready_is_an_error(metadata):
    with pytest.raises(urllib.error.HTTPError, match="503"):
        agent.interruption(metadata.url)
