"""The agent under test: is this instance going to be interrupted?"""

import json
import os
import urllib.error
import urllib.request

URL = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")


def token(url=URL):
    request = urllib.request.Request(url + "/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "300"})
    with urllib.request.urlopen(request, timeout=1) as reply:
        return reply.read().decode()


def interruption(url=URL):
    """What happens when, as (action, time); None where nothing is planned."""
    request = urllib.request.Request(url + "/latest/meta-data/spot/instance-action", headers={"X-aws-ec2-metadata-token": token(url)})
    try:
        with urllib.request.urlopen(request, timeout=1) as reply:
            notice = json.load(reply)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return notice["action"], notice["time"]
