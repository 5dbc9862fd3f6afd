#!/usr/bin/env python3
"""A metadata server that holds every rule of `virt-metadata conformance`, and once more for each defect with that one defect.

usage: metadata_server.py [--recording FILE] DEFECT...

The Nth defect listens on 127.1.0.N, all on one port, which is printed when they listen. `none` is no defect. With a recording, its responses are
served on 127.1.0.1 instead. It ends with its standard input.
"""
import base64
import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse

ZONE, ROLE, IDENTIFIER, MAC = "eu-west-1a", "web", "i-0123456789abcdef0", "52:54:00:0e:00:05"
UUID = "6f0d1c7e-0000-4000-8000-000000000001"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB admin@example"
VERSIONS = ["2009-04-04", "2019-10-01", "2021-01-03", "2021-03-23", "latest"]
STACK = ["2012-08-10", "2013-04-04", "2018-08-27", "latest"]
USER_DATA = b"#cloud-config\npackages: [htop]\n" * 4


class Tree:
    """What is there: a dict for a directory, bytes for a value."""

    def __init__(self, defect):
        self.defect = defect
        meta = {
            "ami-id": "ami-1", "hostname": "web.example", "instance-id": IDENTIFIER, "local-hostname": "web.example",
            "local-ipv4": "10.0.0.5", "mac": MAC, "security-groups": "default\nweb",
            "network": {"interfaces": {"macs": {MAC: {
                "device-number": "0", "local-ipv4s": "10.0.0.5", "mac": MAC, "subnet-id": "subnet-1", "vpc-id": "vpc-1"}}}},
            "placement": {"availability-zone": ZONE, "region": ZONE[:-1]},
            "public-keys": {"0": {"openssh-key": KEY}},
            "iam": {"security-credentials": {ROLE: json.dumps({
                "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "s" * 40,
                "Token": "t" * 40, "Expiration": "2036-01-01T00:00:00Z"})}},
            "tags": {"instance": {"Name": "web"}},
        }
        document = {"instanceId": IDENTIFIER, "region": ZONE[:-1], "accountId": "123456789012"}
        self.user_data = USER_DATA
        stack = {
            "uuid": UUID, "hostname": "web.example", "name": "web", "public_keys": {"admin": KEY}, "meta": {"role": "web"},
            "keys": [{"name": "admin", "type": "ssh", "data": KEY}], "random_seed": base64.b64encode(b"seed" * 16).decode(),
            "files": [{"path": "/etc/motd", "content_path": "/content/0000"}],
        }
        network = {
            "links": [{"id": "tap0", "type": "phy", "ethernet_mac_address": MAC, "mtu": 1500}],
            "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "tap0", "network_id": "n"}], "services": [],
        }
        documents = {
            "meta_data.json": stack, "network_data.json": network, "vendor_data.json": {}, "vendor_data2.json": {"static": {}},
            "user_data": USER_DATA, "password": b""}
        seed = {
            "meta-data": "instance-id: %s\nlocal-hostname: web\n" % IDENTIFIER, "user-data": USER_DATA, "vendor-data": "",
            "network-config": "version: 2\nethernets: {}\n"}
        self.versions, self.stack_versions = list(VERSIONS), list(STACK)
        self.change(defect, meta, document, stack, network, documents, seed)
        for name in ("meta_data.json", "network_data.json", "vendor_data.json", "vendor_data2.json"):
            if isinstance(documents.get(name), (dict, list)):
                documents[name] = json.dumps(documents[name])
        identity = {"instance-identity": {"document": json.dumps(document)}} if document is not None else {}
        if defect == "identity-document":
            identity = {}
        version = {"meta-data": meta, "dynamic": identity}
        if self.user_data is not None:
            version["user-data"] = self.user_data
        if defect == "version-root":
            version = {"user-data": USER_DATA, "meta-data": meta, "dynamic": identity}
        self.root = {name: version for name in self.versions}
        self.root["openstack"] = {name: documents for name in self.stack_versions}
        self.root["openstack"]["content"] = {} if defect == "files-answer" else {"0000": "hello"}
        self.root["nocloud"] = seed
        self.openstack = defect != "openstack-off"

    def change(self, defect, meta, document, stack, network, documents, seed):
        """The defects of what is there."""
        macs = meta["network"]["interfaces"]["macs"]
        role = meta["iam"]["security-credentials"]
        if defect == "version-2009-04-04":
            self.versions.remove("2009-04-04")
        elif defect == "version-of-clients":
            self.versions.remove("2019-10-01")
        elif defect == "listing-empty":
            meta["tags"]["instance"] = {}
        elif defect == "leaf-newline":
            meta["hostname"] += "\n"
        elif defect == "instance-id":
            meta["instance-id"] += "\nx"
            document["instanceId"] = meta["instance-id"]
        elif defect == "instance-id-form":
            meta["instance-id"] = document["instanceId"] = UUID
        elif defect == "public-keys:no-key":
            meta["public-keys"]["0"]["openssh-key"] = "none"
        elif defect in ("public-keys-absent", "no-keys"):
            del meta["public-keys"]
        elif defect == "availability-zone":
            meta["placement"]["availability-zone"] = ""
        elif defect == "region":
            del meta["placement"]["region"]
        elif defect == "identity-agrees":
            document["instanceId"] = "i-other"
        elif defect == "network-complete:case":
            macs[MAC.upper()] = macs.pop(MAC)
        elif defect == "network-complete:number":
            macs[MAC]["device-number"] = "eth0"
        elif defect == "network-vpc":
            del macs[MAC]["vpc-id"]
        elif defect == "mac":
            meta["mac"] = "52:54:00:0e:00:06"
        elif defect == "local-ipv4":
            meta["local-ipv4"] = "10.0.0.6"
        elif defect == "user-data:empty":
            self.user_data = b""
        elif defect == "credentials:date":
            role[ROLE] = role[ROLE].replace("2036-01-01T00:00:00Z", "2036-01-01T00:00:00.000+00:00")
        elif defect == "credentials:member":
            role[ROLE] = role[ROLE].replace("Token", "SessionToken")
        elif defect == "openstack-known-version":
            self.stack_versions = ["2012-08-10", "2013-04-04", "latest"]
        elif defect == "openstack-old-versions":
            self.stack_versions.remove("2012-08-10")
        elif defect == "meta-data-uuid":
            stack["uuid"] = "web"
        elif defect == "meta-data-names":
            del stack["name"]
        elif defect == "meta-data-keys:list":
            stack["public_keys"] = [KEY]
        elif defect == "meta-data-keys:type":
            del stack["keys"][0]["type"]
        elif defect == "meta-data-no-null:meta":
            stack["meta"] = None
        elif defect == "meta-data-no-null:files":
            stack["files"] = None
        elif defect == "random-seed":
            stack["random_seed"] = "abc"
        elif defect == "openstack-user-data":
            documents["user_data"] = b""
        elif defect == "vendor-data:empty":
            documents["vendor_data.json"] = ""
        elif defect == "vendor-data:text":
            documents["vendor_data2.json"] = "none"
        elif defect == "network-data-empty":
            network.clear()
        elif defect == "network-data:type":
            del network["links"][0]["type"]
        elif defect == "network-data:link":
            network["networks"][0]["link"] = "tap1"
        elif defect == "network-data-name":
            network["links"][0]["name"] = "eth0"
        elif defect == "password-read":
            del documents["password"]
        elif defect == "nocloud-meta-data":
            seed["meta-data"] = "# instance-id\nlocal-hostname: web\n"
        elif defect == "nocloud-user-data":
            del seed["user-data"]
        elif defect == "nocloud-vendor-data":
            del seed["vendor-data"]
        elif defect == "nocloud-network-config":
            seed["network-config"] = "ethernets: {}\n"
        elif defect == "secrets":
            # What a crawl has to replace.
            self.user_data = SECRETS

    def find(self, names):
        node = self.root
        for name in names:
            if not isinstance(node, dict) or name not in node:
                return None
            node = node[name]
        return node

    def listing(self, names):
        node = self.find(names)
        if names == []:
            lines = self.versions
        elif names == ["openstack"]:
            lines = self.stack_versions
        elif names[-1:] == ["public-keys"]:
            lines = {"public-keys:form": ["0"], "public-keys:equals": ["0=my=key"]}.get(self.defect, ["0=admin"])
        else:
            lines = [name + ("/" if isinstance(value, dict) else "") for name, value in sorted(node.items())]
            lines = [line for line in lines if line != "iam/" or self.defect != "iam-unlisted"]
        if names == ["latest", "meta-data"]:
            lines += {"entries-answer": ["kernel-id"], "listing-duplicates": ["hostname"]}.get(self.defect, [])
        if names == ["openstack", "latest"] and self.defect == "openstack-listed-files":
            lines += ["other.json"]
        if names == [] and self.defect == "versions-list":
            lines = lines[:-1]
        if names == ["latest"] and self.defect == "version-root":
            lines = ["user-data"]
        if names == ["openstack"] and self.defect == "openstack-versions":
            lines = [line + "/" for line in lines]
        if names == ["openstack"] and self.defect == "openstack-known-version":
            lines = ["2030-01-01", "latest"]
        end = "\n" if self.defect == "listing-newline" and names == ["latest", "meta-data"] else ""
        return "\n".join(lines) + end


SECRETS = b"""#cloud-config
password: correct horse battery
chpasswd:
  expire: false
  list: |
    root:hunter22hunter
    admin:$6$salt$hashhashhashhash
ssh_pwauth: true
users:
  - name: admin
    lock_passwd: true
    ssh_authorized_keys: [%s]
write_files:
  - path: /etc/key.pem
    content: |
      -----BEGIN PRIVATE KEY-----
      MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
      MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu
      -----END PRIVATE KEY-----
runcmd:
  - curl -H "X-Token: abcdefghijklmnop" https://user:s3cretpw@example.com/
  - AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1 deploy --password longpassword1
""" % KEY.encode()


class Server:
    def __init__(self, defect, address, port, recording=None):
        self.defect, self.recording = defect, recording
        self.tree = Tree(defect)
        self.tokens, self.lock, self.open, self.reads = {}, threading.Lock(), 0, 0
        self.one_at_a_time = threading.Lock()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]

    def run(self):
        self.socket.listen(128)
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    # Connections

    def serve(self, connection):
        with self.lock:
            self.open += 1
            count = self.open
        try:
            if self.defect == "concurrent" and count > 10:
                return
            if self.defect == "half-request":
                with self.one_at_a_time:
                    self.requests(connection)
            else:
                self.requests(connection)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open -= 1
            connection.close()

    def requests(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data, handled = b"", 0
        while True:
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    if not data and not handled and self.defect == "connect-close":
                        self.defect = "hang"
                    return
                data += piece
            head, data = data.split(b"\r\n\r\n", 1)
            handled += 1
            lines = head.decode("latin-1").split("\r\n")
            method, target, version = lines[0].split(" ")
            fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}
            raw = {line.split(":", 1)[0] for line in lines[1:]}
            if self.defect == "hang":
                time.sleep(600)
            if not self.answer(connection, method, target, version, fields, raw):
                return

    def answer(self, connection, method, target, version, fields, raw):
        if target.startswith("http://"):
            if self.defect == "absolute-form":
                return self.send(connection, version, fields, 400, b"bad target")
            target = "/" + target[7:].split("/", 1)[1]
        if self.defect == "host-ignored" and not fields.get("host", "127.").startswith("127."):
            return self.send(connection, version, fields, 400, b"bad host")
        if self.defect == "slow":
            time.sleep(0.2)
        if self.defect == "slow-in-turn" and self.open > 5:
            with self.one_at_a_time:
                time.sleep(0.5)
        if self.defect == "hangs-later":
            self.reads += 1
            if self.reads > 20:
                time.sleep(600)
        if self.defect == "busy" and target.endswith("/hostname"):
            self.reads += 1
            if self.reads <= 2:
                return self.send(connection, version, fields, 503, b"503", [("Retry-After", "nan")])
        if "x-injected" in fields:
            return self.send(connection, version, fields, 500, b"a field of the token's own")
        if self.defect == "fails":
            return self.send(connection, version, fields, 500, b"500")
        if self.defect == "redirects-all":
            return self.send(connection, version, fields, 302, b"", [("Location", "http://192.0.2.1/")])
        if self.defect == "speed" and target == "/latest/user-data":
            time.sleep(1.2)
        if method == "PUT":
            status, body, more = self.put(target, fields, raw)
            return self.send(connection, version, fields, status, body, more)
        more = []
        status, body, kind = self.get(target, fields, raw)
        if kind:
            more.append(("Content-Type", kind))
        if status == 301:
            more.append(("Location", body.decode()))
        if self.defect == "user-data-encoding" and "gzip" in fields.get("accept-encoding", "") and "user-data" in target:
            import gzip
            body, more = gzip.compress(body), more + [("Content-Encoding", "gzip")]
        return self.send(connection, version, fields, status, body, more, is_head=method == "HEAD", target=target)

    def send(self, connection, version, fields, status, body, more=(), is_head=False, target=""):
        reason = {200: "OK", 301: "Moved Permanently", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}.get(status, "Error")
        keep = version == "HTTP/1.1" and fields.get("connection") != "close" and self.defect not in ("keep-alive", "framed-body", "half-request")
        lines = ["HTTP/1.1 %d %s" % (status, reason), "Server: broken", "Connection: " + ("keep-alive" if keep else "close")]
        lines += ["%s: %s" % field for field in more]
        if self.defect == "odd-fields" and target.endswith("/hostname"):
            lines += ["Bad(Name): x", "X-Control: a\x01b", "X-Long: " + "x" * 9000, "X-Good: x"]
        length = len(body)
        if self.defect == "http-1.0" and version == "HTTP/1.0":
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif self.defect == "truncated" and target.endswith("user-data"):
            lines.append("Content-Length: %d" % (length + 10))
            keep = False
        elif self.defect == "endless" and target.endswith("user-data"):
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while True:
                connection.sendall(b"x" * 65536)
        elif self.defect != "framed-body":
            lines.append("Content-Length: %d" % (0 if is_head and self.defect == "head" else length))
        if self.defect == "not-http":
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            return False
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if is_head else body))
        if is_head and self.defect in ("head:body", "head:late"):
            time.sleep(0.05 if self.defect == "head:late" else 0)
            connection.sendall(body)
        return keep

    # Tokens

    def put(self, target, fields, raw):
        name = "x-aws-ec2-metadata-token-ttl-seconds"
        if self.defect in ("token-put:404", "no-tokens") or self.recording or not target.endswith("/api/token"):
            return 404, b"404", []
        if self.defect == "portal":
            return 200, b"<html><body>Please log in</body></html>", [("Content-Type", "text/html")]
        if self.defect == "token-put":
            return 405, b"405", []
        if self.defect == "token-without-length" and "content-length" not in fields:
            return 411, b"411", []
        if self.defect == "token-header-case" and name in fields and "X-aws-ec2-metadata-token-ttl-seconds" not in raw:
            return 400, b"400", []
        if "x-forwarded-for" in fields and self.defect != "token-forwarded":
            return 403, b"403", []
        try:
            lifetime = int(fields[name])
            if not 1 <= lifetime <= 21600:
                raise ValueError
        except (KeyError, ValueError):
            if self.defect != "token-ttl-invalid":
                return 400, b"400", []
            lifetime = 60
        token = base64.b64encode(os.urandom(30)).decode()
        if self.defect == "renewed-token":
            # All tokens end with the first one's twentieth read, and the new ones are two lines.
            self.reads = 0 if not self.tokens else 20
            token += "" if not self.tokens else "\r\nX-Injected: 1"
        if self.defect == "token-two":
            self.tokens.clear()
        self.tokens[token] = time.monotonic() + (3600 if self.defect == "token-expired" else lifetime)
        more = [] if self.defect == "token-ttl-answer" else [("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", lifetime)]
        return 200, token.encode() + (b"\n" if self.defect == "token-text" else b""), more

    def refusal(self, fields):
        token = fields.get("x-aws-ec2-metadata-token")
        if token is None:
            return 401 if self.defect == "token-required" else None
        if self.defect == "renewed-token":
            self.reads += 1
            return 401 if self.reads > 20 else None
        if self.defect in ("token-wrong", "token-get"):
            return 401 if self.defect == "token-get" else None
        return None if self.tokens.get(token, 0) > time.monotonic() or self.defect == "no-tokens" else 401

    # Paths

    def get(self, target, fields, raw):
        if self.recording:
            return self.recorded(target)
        refusal = self.refusal(fields)
        if refusal:
            return refusal, b"%d" % refusal, None
        if target == "/latest/api/token":
            return (200, b"token", None) if self.defect == "token-method" else (405, b"405", None)
        special = self.special(target)
        if special:
            return special
        path = target.split("?")[0]
        if self.defect != "percent-encoding":
            path = urllib.parse.unquote(path)
        names = []
        if "//" in path and self.defect == "double-slash":
            return 404, b"404", None
        for name in path.split("/"):
            if name == "..":
                names[-1:] = []
            elif name not in ("", "."):
                names.append(name)
        return self.node(names, path)

    def node(self, names, path):
        if names[:1] == ["openstack"] and not self.tree.openstack or names[:1] == ["nocloud"] and self.defect == "nocloud-off":
            return 404, b"404", None
        if names[:1] != ["openstack"] and names[:1] != ["nocloud"] and self.defect == "openstack-ec2-tree":
            return 404, b"404", None
        node = self.tree.find(names)
        if names[-2:-1] == ["public-keys"] and "=" in names[-1]:
            return (400, b"400", None) if self.defect == "public-keys-by-line" else (404, b"404", None)
        if node is None:
            return 404, b"404", "text/plain"
        is_directory = isinstance(node, dict) or names == []
        if is_directory:
            if not path.endswith("/") and self.defect == "slash-directory" and names[:1] == ["latest"]:
                return 301, path.encode() + b"/", None
            if path.endswith("/") and names == ["openstack"] and self.defect == "openstack-slash":
                return 404, b"404", None
            return 200, self.tree.listing(names).encode(), "text/plain"
        if path.endswith("/") and self.defect == "slash-leaf":
            return 404, b"404", None
        if names[-1] == "instance-id" and self.defect == "instance-id:stable":
            self.reads += 1
            return 200, b"i-%d" % self.reads, "text/plain"
        if names[-1] == "user-data" and self.defect == "user-data:stable":
            self.reads += 1
            return 200, b"#cloud-config %d" % self.reads, "text/plain"
        body = node if isinstance(node, bytes) else node.encode()
        return 200, body, "application/json" if names[-1].endswith(".json") else "text/plain"

    def special(self, target):
        """Paths that are answered although they are not there."""
        if self.defect == "version-unknown" and target.startswith("/9999"):
            return 200, b"meta-data/", "text/plain"
        if self.defect == "openstack-version-unknown" and target.startswith("/openstack/9999"):
            return 200, b"{}", "application/json"
        if self.defect == "path-unknown" and "none" in target:
            return 400, b"400", None
        if self.defect == "dot-segments" and target.endswith("etc/passwd"):
            return 200, b"root:x:0:0::/root:/bin/sh\n", "text/plain"
        if self.defect == "public-keys-absent" and target.endswith("/public-keys"):
            return 200, b"", "text/plain"
        if self.defect == "redirects" and target.startswith("/latest"):
            return 301, b"http://192.0.2.1" + target.encode(), None
        if self.defect == "lists-itself" and target.startswith("/latest/meta-data/"):
            return 200, b"again/\nname", "text/plain"
        if self.defect == "never-ends" and target.startswith("/latest/meta-data/"):
            return 200, b"%d/\n%d" % (time.monotonic_ns(), time.monotonic_ns()), "text/plain"
        if self.defect == "ever-new" and target.startswith("/latest/meta-data/"):
            return 200, b"%d/\n%d/" % (time.monotonic_ns(), time.monotonic_ns()), "text/plain"
        if self.defect == "control-character" and target == "/latest/meta-data/":
            return 200, b"ami-id\n\nhost\0name", "text/plain"
        if self.defect == "climbs-out" and target == "/latest/meta-data/":
            return 200, b"../../etc/\n..\ninstance-id\na//b", "text/plain"
        if self.defect == "portal":
            return 200, b"<html><body>Please log in</body></html>", "text/html"
        return None

    def recorded(self, target):
        reply = self.recording.get(target) or self.recording.get(target.rstrip("/")) or self.recording.get(target + "/")
        if reply is None:
            return 404, b"404", "text/html"
        return reply["status"], reply["body"].encode(), reply["content_type"]


def main():
    arguments, recording = sys.argv[1:], None
    if arguments[:1] == ["--recording"]:
        with open(arguments[1], encoding="utf-8") as file:
            recording = json.load(file)
        arguments = ["none"] + arguments[2:]
    port, servers = 0, []
    for number, defect in enumerate(arguments, 1):
        address = socket.inet_ntoa(struct.pack(">I", 0x7F010000 + number))
        servers.append(Server(defect, address, port, recording if number == 1 else None))
        port = servers[0].port
    for server in servers:
        threading.Thread(target=server.run, daemon=True).start()
    time.sleep(0.1)
    print(port, flush=True)
    sys.stdin.read()


main()
