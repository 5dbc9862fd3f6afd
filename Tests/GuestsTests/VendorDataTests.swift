import Common
import Foundation
import Logging
import NIOHTTP1
import TestSupport
import Testing

@testable import Guests
@testable import VendorData

/// Vendor data targets, over live sockets on both sides.
@Suite struct VendorDataTests {
    private static let path = "/openstack/latest/vendor_data2.json"

    /// A clock that the test moves, and the log.
    private final class Observer: Sendable {
        private let ahead = Locked(Duration.zero)
        private let lines = Locked<[(level: Logger.Level, text: String)]>([])

        func advance(by time: Duration) { ahead.withLock { $0 += time } }
        var now: ContinuousClock.Instant { .now + ahead.withLock { $0 } }
        var warnings: [String] { lines.withLock { $0.filter { $0.level == .warning }.map(\.text) } }

        var logger: Logger {
            RecordingLog.logger { event in
                let facts = ["target", "error", "domain.name"].compactMap { key in event.metadata?[key].map { "\($0)" } }
                self.lines.withLock { $0.append((event.level, facts.joined(separator: "|"))) }
            }
        }
    }

    /// Runs a server whose targets are paths of a service, each named after its path.
    private static func run(
        _ paths: String..., also more: [String] = [], timeout: Duration = .seconds(10), snapshot: Snapshot = Guests.snapshot,
        sessions: SessionPolicy = SessionPolicy(),
        _ body: @Sendable (LiveServer, VendorDataService, Observer) async throws -> Void
    ) async throws {
        try await VendorDataService.run { service in
            let observer = Observer()
            let targets = VendorDataTargets(
                try (paths.map { "\($0)@\(service.url($0))" } + more).map { try #require(VendorDataTarget($0)) },
                timeout: timeout, logger: observer.logger, now: { observer.now })
            try await LiveServer.run(snapshot: snapshot, sessions: sessions, targets: targets) { server in
                try await body(server, service, observer)
            }
        }
    }

    private static func described(_ number: Int = 1, tag: String = "a") -> Instance? {
        guard let uuid = InstanceUUID("00000000-0000-4000-8000-00000000000\(number)"), let mac = MACAddress("52:54:00:00:00:02")
        else { return nil }
        let names = InstanceNames(
            domain: uuid, domainName: "web", uuid: uuid, id: "i-1", name: "web", hostname: "web.example.org")
        var (launch, documents) = (LaunchFacts(type: "small"), OperatorDocuments())
        (launch.images.image, launch.project) = ("ami-00000001", "research")
        (documents.tags, documents.userData) = ([Tag("b", tag), Tag("a", "é")], Array("#!/bin/sh\n".utf8))
        documents.vendorData = .object([JSONMember("cloud-init", .string("words"))])
        return Instance(names: names, launch: launch, documents: documents, interfaces: [NetworkInterface(mac: mac)])
    }

    // MARK: Requests and replies

    @Test func `a guest finds each target's value by its name, after the operator's vendor data`() async throws {
        let snapshot = Guests.snapshot(of: [Self.described()], isComplete: true)
        try await Self.run("good", "nothing", "empty", snapshot: snapshot) { server, _, observer in
            let reply = try await server.get(Self.path)
            #expect(
                reply.text
                    == #"{"static": {"cloud-init": "words"}, "good": {"role": "w\u00E9b", "n": [1, 2.5, null]}, "#
                    + #""nothing": {}, "empty": {}}"#)
            #expect(reply.field("Content-Type") == "application/json")
            #expect(observer.warnings == [])
            let old = try await server.get("/openstack/2016-10-06/vendor_data2.json")
            #expect(old.text == reply.text)
        }
    }

    @Test func `a target is sent the instance in Nova's format`() async throws {
        let snapshot = Guests.snapshot(of: [Self.described()], isComplete: true)
        try await Self.run("good", snapshot: snapshot) { server, service, _ in
            _ = try await server.get(Self.path)
            let request = try #require(service.requests.first)
            #expect(request.head.method == .POST)
            #expect(request.head.uri == "/good")
            for (name, value) in [
                ("Content-Type", "application/json"), ("Accept", "application/json"), ("User-Agent", "openstack-nova-vendordata"),
                ("Host", "127.0.0.1:\(service.port)"), ("Content-Length", "\(request.body.utf8.count)"),
            ] {
                #expect(request.head.headers[name] == [value])
            }
            #expect(
                request.body
                    == #"{"project-id": "research", "instance-id": "00000000-0000-4000-8000-000000000001", "#
                    + #""image-id": "ami-00000001", "user-data": "IyEvYmluL3NoCg==", "hostname": "web", "#
                    + #""metadata": {"b": "a", "a": "\u00E9"}, "boot-roles": ""}"#)
        }
    }

    @Test func `missing values of an instance are sent as null`() async throws {
        let snapshot = Guests.snapshot(of: [Guests.instance(1, "web", mac: "52:54:00:00:00:02")], isComplete: true)
        try await Self.run("good", snapshot: snapshot) { server, service, _ in
            _ = try await server.get(Self.path)
            #expect(
                service.requests.first?.body
                    == #"{"project-id": null, "instance-id": "00000000-0000-4000-8000-000000000001", "image-id": null, "#
                    + #""user-data": null, "hostname": "web", "metadata": {}, "boot-roles": ""}"#)
        }
    }

    @Test func `no target is requested for any other path, or for a client without access`() async throws {
        try await Self.run("good") { server, service, _ in
            for (path, status) in [
                ("/openstack/latest/", 200), ("/openstack/latest/vendor_data.json", 200), ("/latest/meta-data/", 200),
                ("/openstack/2015-10-15/vendor_data2.json", 404), ("/openstack/latest/vendor_data2.json/x", 404),
            ] {
                let reply = try await server.get(path)
                #expect(reply.status == status, "\(path)")
            }
            let unmatched = try await server.get(Self.path, as: Guests.unmatched)
            #expect(unmatched.status == 404)
            #expect(service.requests.isEmpty)
        }
        var strict = SessionPolicy()
        strict.tokens = .required
        try await Self.run("good", sessions: strict) { server, service, _ in
            let reply = try await server.get(Self.path)
            #expect(reply.status == 401)
            #expect(service.requests.isEmpty)
        }
    }

    @Test func `requests after one that waits for a target are answered in order`() async throws {
        try await Self.run("slow") { server, _, _ in
            let connection = try server.connection()
            try await connection.send(
                "HEAD \(Self.path) HTTP/1.1\r\n\r\nGET /latest/meta-data/hostname HTTP/1.1\r\n\r\nGET \(Self.path) HTTP/1.1\r\n\r\n"
            )
            let head = try await connection.reply(toHead: true)
            #expect(head.status == 200)
            let name = try await connection.reply()
            #expect(name.text == "web")
            let last = try await connection.reply()
            #expect(last.text == #"{"static": {}, "slow": 1}"#)
            #expect(last.length == head.length)
        }
    }

    // MARK: Kept replies

    @Test func `many requests at once ask a target once`() async throws {
        try await Self.run("slow") { server, service, _ in
            let connections = try (0..<16).map { _ in try server.connection() }
            for connection in connections { try await connection.send("GET \(Self.path) HTTP/1.1\r\n\r\n") }
            for connection in connections {
                let reply = try await connection.reply()
                #expect(reply.text == #"{"static": {}, "slow": 1}"#)
            }
            #expect(service.requests.count == 1)
        }
    }

    @Test func `a target's value is used for a minute, and no longer than the instance`() async throws {
        let snapshot = Guests.snapshot(of: [Self.described()], isComplete: true)
        try await Self.run("count", snapshot: snapshot) { server, service, observer in
            for _ in 0..<3 { _ = try await server.get(Self.path) }
            observer.advance(by: .seconds(59))
            _ = try await server.get(Self.path)
            #expect(service.requests.count == 1)
            observer.advance(by: .seconds(2))
            let later = try await server.get(Self.path)
            #expect(later.text.hasSuffix(#", "count": 2}"#))
            server.board.publish(Guests.snapshot(of: [Self.described(tag: "changed")], isComplete: true))
            let changed = try await server.get(Self.path)
            #expect(changed.text.hasSuffix(#", "count": 3}"#))
            #expect(service.requests.last?.body.contains(#""b": "changed""#) == true)
        }
    }

    @Test func `only a failed target is requested again after five seconds`() async throws {
        try await Self.run("error", "count") { server, service, observer in
            for _ in 0..<2 { _ = try await server.get(Self.path) }
            #expect(service.requests.map(\.head.uri).sorted() == ["/count", "/error"])
            observer.advance(by: .seconds(6))
            _ = try await server.get(Self.path)
            #expect(service.requests.map(\.head.uri).sorted() == ["/count", "/error", "/error"])
            #expect(observer.warnings.count == 1)
            observer.advance(by: .seconds(60))
            _ = try await server.get(Self.path)
            #expect(observer.warnings.count == 2)
        }
    }

    @Test func `a target gets sixty-four requests at a time, and the others wait`() async throws {
        try await VendorDataService.run { service in
            let targets = VendorDataTargets(
                [try #require(VendorDataTarget("a@\(service.url("slow"))"))], timeout: .seconds(10),
                logger: Observer().logger)
            let instances = (1...150).compactMap { Guests.instance(1, "g\($0)", mac: "52:54:00:00:00:01") }
            let answers = await withTaskGroup(of: [JSONMember].self) { group in
                for instance in instances { group.addTask { await targets.answers(about: instance) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 150)
            for answer in answers {
                guard case .integer? = answer.first?.value else { Issue.record("\(answer)"); continue }
            }
            #expect(service.requests.count == 150)
            #expect(service.mostAtOnce == 64)
        }
    }

    // MARK: Failing targets

    @Test(arguments: [
        ("error", "HTTP status 500"), ("redirect", "HTTP status 302"), ("missing", "HTTP status 404"),
        ("garbage", "invalid response: "), ("large", "response larger than 256 KiB"),
        ("hang", "no response within 3.0 seconds"), ("stall", "no response within 3.0 seconds"),
        ("trickle", "no response within 3.0 seconds"),
    ])
    func `a target that fails costs its own value only, and is logged`(path: String, problem: String) async throws {
        // On a busy machine the others take their time too.
        try await Self.run("good", path, "count", timeout: .seconds(problem.contains("within") ? 3 : 30)) { server, _, observer in
            let start = ContinuousClock.now
            let reply = try await server.get(Self.path)
            #expect(reply.status == 200)
            #expect(reply.text.contains(#""good": {"role": "#))
            #expect(reply.text.contains(#""\#(path)": {}, "count": "#))
            #expect(start.duration(to: .now) < .seconds(20))
            #expect(observer.warnings.count == 1)
            #expect(observer.warnings.first?.hasPrefix("\(path)|\(problem)") == true, "\(observer.warnings)")
            #expect(observer.warnings.first?.hasSuffix("|web") == true)
        }
    }

    @Test func `a target without a listener fails at once`() async throws {
        let closed = try await VendorDataService.run { $0.url("good") }
        try await Self.run("good", also: ["closed@\(closed)"]) { server, _, observer in
            let start = ContinuousClock.now
            let reply = try await server.get(Self.path)
            #expect(reply.text.hasSuffix(#", "closed": {}}"#))
            #expect(start.duration(to: .now) < .seconds(5))
            #expect(observer.warnings.first?.hasPrefix("closed|request failed: ") == true, "\(observer.warnings)")
        }
    }

    @Test func `a guest that disconnects during a target's request has no effect on others`() async throws {
        try await Self.run("slow") { server, service, _ in
            do {
                let connection = try server.connection()
                try await connection.send("GET \(Self.path) HTTP/1.1\r\n\r\n")
                #expect(try await eventually { !service.requests.isEmpty })
            }
            let reply = try await server.get(Self.path)
            #expect(reply.text == #"{"static": {}, "slow": 1}"#)
        }
    }

    // MARK: The program

    @Test(.enabled(if: geteuid() == 0, "trusting another authority needs root, for a mount namespace"))
    func `an https target needs a certificate that the machine trusts`() async throws {
        let service = try await SecureService(saying: #"{"secret": 1}"#)
        let line = """
            "$virt_metadata" tree min --connect \(Program.node) --path \(Self.path) \
                --vendordata-target safe@https://localhost:\(service.port)/
            """
        let unmatched = try await Program.shell(line)
        #expect(unmatched.stdout.hasSuffix(#""safe": {}}"#), "\(unmatched)")
        #expect(unmatched.stderr.contains("the server's certificate is not trusted for this host name"), "\(unmatched)")
        #expect(service.requests == 0)
        let trust = "mount --bind \(service.certificate) /etc/ssl/certs/ca-certificates.crt"
        let trusting = { (line: String) in "export virt_metadata; unshare --mount sh -ec '\(trust); \(line)'" }
        let trusted = try await Program.shell(trusting(line))
        #expect(trusted.stdout.hasSuffix(#""safe": {"secret": 1}}"#), "\(trusted)")
        // A name that the certificate does not have is another server.
        let other = try await Program.shell(trusting(line.replacing("localhost", with: "127.0.0.1")))
        #expect(other.stdout.hasSuffix(#""safe": {}}"#), "\(other)")
        #expect(service.requests == 1)
    }

    @Test func `the program requests the given targets, as a server and for its operator`() async throws {
        try await VendorDataService.run { service in
            let target = "roles@\(service.url("good"))"
            let expected = #""roles": {"role": "w\u00E9b", "n": [1, 2.5, null]}}"#
            let tree = try await Program.run(
                "tree", "min", "--connect", Program.node, "--path", Self.path, "--vendordata-target", target)
            #expect(tree.stdout.hasSuffix(expected), "\(tree)")
            // The program ignores the shell's proxy variables: a proxy would be sent the instances.
            let proxied = try await Program.shell(
                """
                http_proxy=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 "$virt_metadata" tree min --connect \(Program.node) \
                    --path \(Self.path) --vendordata-target \(target)
                """)
            #expect(proxied.stdout.hasSuffix(expected), "\(proxied)")
            let server = try await ServerProcess("--vendordata-target", target)
            let reply = try await server.get(Self.path)
            #expect(reply.text.hasSuffix(expected), "\(reply)")
            let end = try await server.stop()
            #expect(end.status == 0)
        }
    }
}
