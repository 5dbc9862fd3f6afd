#!/usr/bin/python3 -IS
"""Looks for the credentials of an instance's role as the newest of Amazon's SDKs do, at an emulator, and prints what it found as JSON.

    virt-metadata emulate --no-namespace --control 127.0.0.1:0 -- Tests/clients/imds_credentials.py <CASES

Its input is a list of cases in JSON. A case has `disabled` (whether AWS_EC2_METADATA_DISABLED is set), `profile` (the name of a profile, or
null to look for one) and `looks`: what to do before each look for credentials. That is `values` (paths of the emulator with their texts, null
to remove one) and `rules` (faults for this look). It prints for each case the outcome of every look, and the requests that were sent.

What it does is written in the SDKs' shared list of cases (aws-sdk-kotlin: ImdsCredentialsProviderTestResources.kt), in short:

- a session token first (PUT); 403 means that the service is not to be used, any other failure is an error;
- `iam/security-credentials-extended`, and after a 404 `iam/security-credentials` from then on;
- a profile that was found is kept for the next look, and looked for again once its credentials are a 404;
- members that it does not know are ignored; `Code` other than `Success` is an error; an expiry in the past is its caller's affair;
- 401 means a new token, and 500 and 503 another attempt, three in all.
"""
import http.client
import json
import os
import sys
import urllib.parse
import urllib.request

ENDPOINT = urllib.parse.urlsplit(os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"])
CONTROL = os.environ["VIRT_METADATA_CONTROL_URL"]
ROLES = "/latest/meta-data/iam/security-credentials"
ATTEMPTS = 3


class Missing(Exception):
    """404."""


class Failure(Exception):
    """The look ends without credentials; the text says why."""


class Provider:
    """Keeps what it has learnt from one look to the next."""

    def __init__(self, profile):
        self.given, self.profile, self.token = profile, profile, None
        # Unknown, until one of them has answered.
        self.roles = None

    def send(self, method, path, fields):
        connection = http.client.HTTPConnection(ENDPOINT.hostname, ENDPOINT.port or 80, timeout=5)
        try:
            connection.request(method, path, headers=fields)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise Failure(f"no response: {type(error).__name__}")
        finally:
            connection.close()

    def new_token(self):
        status, text = self.send("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "21600"})
        if status != 200:
            raise Failure("forbidden" if status == 403 else f"token: {status}")
        self.token = text

    def get(self, path):
        if self.token is None:
            self.new_token()
        for _ in range(ATTEMPTS):
            status, text = self.send("GET", path, {"x-aws-ec2-metadata-token": self.token})
            if status == 200:
                return text
            if status == 404:
                raise Missing
            if status == 401:
                self.new_token()
            elif status not in (500, 503):
                break
        raise Failure(f"status {status}")

    def of_roles(self, below):
        """Reads a path of the extended tree, or of the other where there is none."""
        if self.roles is None:
            try:
                text = self.get(ROLES + "-extended" + below)
                self.roles = ROLES + "-extended"
                return text
            except Missing:
                text = self.get(ROLES + below)
                self.roles = ROLES
                return text
        return self.get(self.roles + below)

    def look(self):
        if os.environ.get("AWS_EC2_METADATA_DISABLED") == "true":
            raise Failure("no credentials")
        for _ in range(2):
            if self.profile is None:
                try:
                    self.profile = self.of_roles("").strip()
                except Missing:
                    raise Failure("no credentials")
                if not self.profile:
                    raise Failure("no credentials")
            try:
                return self.credentials(self.of_roles("/" + self.profile))
            except Missing:
                if self.given is not None:
                    raise Failure("invalid profile")
                self.profile = None
        raise Failure("invalid profile")

    def credentials(self, text):
        try:
            document = json.loads(text)
        except ValueError:
            raise Failure("invalid JSON")
        if document.get("Code") != "Success":
            raise Failure(document.get("Code") or "no Code")
        missing = [name for name in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration") if not document.get(name)]
        if missing:
            raise Failure("missing: " + ", ".join(missing))
        return {"key": document["AccessKeyId"], "account": document.get("AccountId"), "expiration": document["Expiration"]}


def control(method, path, body=None):
    """Sends a request to the control socket, and gives what it answers."""
    request = urllib.request.Request(CONTROL + path, data=None if body is None else body.encode(), method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def run(case):
    if case.get("disabled"):
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    else:
        os.environ.pop("AWS_EC2_METADATA_DISABLED", None)
    control("DELETE", "/requests")
    provider, outcomes = Provider(case.get("profile")), []
    for look in case["looks"]:
        # In order: what is below a removed path is set after it.
        for path, text in look.get("values", []):
            control("DELETE" if text is None else "PUT", f"/values/{path}?new", text)
        control("POST", "/rules", json.dumps(look.get("rules", [])))
        try:
            outcomes.append(provider.look())
        except Failure as failure:
            outcomes.append({"failure": str(failure)})
        control("DELETE", "/rules")
    requests = [f"{request['method']} {request['target']} {request['token']} {request['status']}"
                for request in control("GET", "/requests")["requests"]]
    return {"outcomes": outcomes, "requests": requests}


if __name__ == "__main__":
    print(json.dumps([run(case) for case in json.load(sys.stdin)]))
