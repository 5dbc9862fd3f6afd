import Common
import NIOHTTP1
import TestSupport
import Testing

@testable import Guests

/// Requests that are refused for their origin: a page in a guest's browser, a proxy, another host's name.
struct RequestOriginTests {
    private static let rebound = "Host: evil.example\r\n"

    @Test(arguments: [
        "Origin: http://evil.example\r\n", "Referer: http://evil.example/page\r\n", "sec-fetch-site: same-origin\r\n",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n", "REFERER: http://other.example/\r\n",
        "User-Agent: x\r\nAccept: */*\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n",
    ])
    func `a page with DNS rebinding reads nothing`(field: String) async throws {
        try await LiveServer.run { server in
            let reply = try await server.get("/latest/user-data", fields: Self.rebound + field)
            #expect(reply.status == 403)
            #expect(!reply.text.contains("correct-horse"))
            for host in [
                "169.254.169.254", "[fe80::a9fe:a9fe]:80", "localhost:80", "INSTANCE-DATA.", "instance-data.ec2.internal",
            ] {
                let good = try await server.get("/latest/user-data", fields: "Host: \(host)\r\n\(field)")
                #expect(good.text == Guests.userData, "\(host) is a name of the server")
            }
        }
    }

    @Test func `a client that is no browser may use any host name`() async throws {
        try await LiveServer.run { server in
            for fields in [
                "", "Host: evil.example\r\nUser-Agent: Cloud-Init/26.2\r\n", "Host: \r\n", "Host: x\r\nsec-fetch-mode: cors\r\n",
            ] {
                let reply = try await server.get("/latest/user-data", fields: fields)
                #expect(reply.text == Guests.userData)
            }
        }
    }

    @Test func `two Host fields are a bad request`() async throws {
        try await LiveServer.run { server in
            for fields in ["Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n", "Host:\r\nHost:\r\n"] {
                let reply = try await server.get("/latest/user-data", fields: fields)
                #expect(reply.status == 400)
            }
        }
    }

    @Test func `a whole URL of another host is a bad request, whatever Host says`() async throws {
        try await LiveServer.run { server in
            for target in [
                "http://evil.example/latest/user-data", "http://169.254.169.254@evil.example/", "http://evil.example?/latest",
            ] {
                #expect(try await server.get(target, fields: "Host: 169.254.169.254\r\n").status == 400)
            }
            let own = try await server.get("http://169.254.169.254/latest/user-data", fields: "Host: 169.254.169.254\r\n")
            #expect(own.text == Guests.userData)
        }
    }

    @Test(arguments: ["Origin: null\r\n", "Origin: http://169.254.169.254\r\n", "Sec-Fetch-Site: cross-site\r\n"])
    func `a page begins no session and sets no password, by any host name`(field: String) async throws {
        try await LiveServer.run { server in
            for request in ["PUT /latest/api/token", "POST /openstack/latest/password"] {
                let connection = try server.connection()
                try await connection.send(
                    "\(request) HTTP/1.1\r\nHost: 169.254.169.254\r\n\(field)X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n"
                )
                #expect(try await connection.reply().status == 403)
            }
        }
    }

    @Test(arguments: ["Via: 1.1 squid\r\n", "forwarded: for=192.0.2.1\r\n", "X-Forwarded-For: 192.0.2.1\r\n"])
    func `no token is issued through a proxy that names itself, unless that is trusted`(field: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            try await connection.send(
                "PUT /latest/api/token HTTP/1.1\r\n\(field)X-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
            #expect(try await connection.reply().status == 403)
            #expect(try await server.get("/latest/user-data", fields: field).status == 200, "reading is not refused")
            let proxy = try server.connection(of: Guests.proxy)
            let own = field.hasPrefix("X-") ? "" : field
            try await proxy.send(
                """
                PUT /latest/api/token HTTP/1.1\r\n\(own)X-Forwarded-For: \(Guests.web)\r\n\
                X-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n
                """)
            #expect(try await proxy.reply().status == 200)
        }
    }

    @Test(arguments: ["HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "HTTP/3"])
    func `a version above 1.1 is a bad request`(version: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            try await connection.send("GET /latest/user-data \(version)\r\nHost: 169.254.169.254\r\n\r\n")
            #expect(try await connection.reply().status == 400)
        }
    }

    @Test func `names that the operator gives replace the default ones`() {
        let names = HostNames(["Metadata.Example."])
        for host in ["metadata.example", "METADATA.example:80", "metadata.example.", "localhost", "::ffff", ""] {
            #expect(names.contains(host) == (host != "::ffff"))
        }
        #expect(!names.contains("instance-data") && !names.contains("metadata.example.evil"))
        for address in ["127.0.0.1", "10.0.0.1:8775", "[::1]", "[fd00:ec2::254]:80", "[fe80::a9fe:a9fe%25eth0]"] {
            #expect(names.contains(address))
        }
        let users = ["127.0.0.1:80@evil", "127.0.0.1:x@evil", "127.0.0.1:evil", "[::1]:evil", "[::1]@evil", "127.0.0.1:8o"]
        for name in users { #expect(!names.contains(name), "\(name)") }
        for name in ["1.2.3.4.evil", "[::1", "[evil]", "fd00::1", "127.0.0.1@evil", "1.2.3"] { #expect(!names.contains(name)) }
    }
}
