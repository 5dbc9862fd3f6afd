import Foundation
import TestSupport
import Testing

/// Guests' passwords in a real libvirtd.
@Suite(.timeLimit(.minutes(3)), .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct GuestPasswordTests {
    private static let path = "/openstack/2013-04-04/password"
    private static let allowed = ["--allow-password", "yes"]

    /// The body and the status that a guest reads.
    private func read(_ host: Host, _ number: Int = 1) throws -> String { try host.body(number, Self.path) }

    /// The body and the status of a guest's reply.
    private func post(_ host: Host, _ password: String, _ number: Int = 1) throws -> String {
        try Command.succeed(host.curl(number, Self.path) + ["--data-binary", "@-"], input: password)
    }

    /// A guest that is still defined when it has stopped.
    private func start(_ host: Host, _ number: Int = 1) async throws {
        try host.libvirtd.virsh("define", try host.libvirtd.file("guest\(number).xml", Host.domain(number)))
        try host.libvirtd.virsh("start", "guest\(number)")
        try await host.expect(number, "i-0000000\(number)")
    }

    private func isKept(_ text: String, by host: Host, _ options: String...) throws -> Bool {
        let uri = "urn:virt-metadata:password:1"
        let output = try Command.run(
            ["virsh", "--quiet", "--connect", host.libvirtd.uri, "metadata", "guest1", "--uri", uri] + options)
        return output.status == 0 && output.stdout.contains(">\(text)</password>")
    }

    private func command(_ host: Host, _ arguments: String...) throws -> Command.Output {
        try Command.run([MetadataServer.executable, "password", "guest1", "--connect", host.libvirtd.uri] + arguments)
    }

    @Test func `a password is set once, shows at once, and outlives the server and the guest`() async throws {
        let host = try await Host(options: Self.allowed)
        try await start(host)
        #expect(try read(host) == "200")
        #expect(try post(host, "c2VjcmV0 <&>\r\n") == "200")
        #expect(try read(host) == "c2VjcmV0 <&>\r\n200")
        #expect(try post(host, "another").hasSuffix("409"))
        #expect(try isKept("c2VjcmV0 &lt;&amp;&gt;&#13;\n", by: host, "--live"))
        #expect(try isKept("c2VjcmV0 &lt;&amp;&gt;&#13;\n", by: host, "--config"))

        let options = [
            "--connect", host.libvirtd.uri, "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32", "--neighbours",
            host.libvirtd.directory + "/neighbours",
        ]
        let next = Host(libvirtd: host.libvirtd, server: try await MetadataServer(options + Self.allowed))
        try await next.expect(1, "i-00000001")
        // The test driver forgets its domains with its last connection.
        host.server.stop()
        #expect(try read(next) == "c2VjcmV0 <&>\r\n200")
        #expect(try post(next, "another").hasSuffix("409"))

        try next.libvirtd.virsh("destroy", "guest1")
        try await next.expect(1, nil)
        try next.libvirtd.virsh("start", "guest1")
        try await next.expect(1, "i-00000001")
        #expect(try read(next) == "c2VjcmV0 <&>\r\n200")
    }

    @Test(
        .enabled(if: PrivateLibvirtd.obstacle(to: .qemu) == nil, "needs QEMU"), arguments: [true, false])
    func `QEMU's driver keeps it, of a guest that is defined and of one that is not`(isDefined: Bool) async throws {
        let host = try await Host(driver: .qemu, options: Self.allowed)
        let domain = Host.domain(1).replacing("<domain type='test'>", with: "<domain type='qemu'>")
            .replacing("<type>hvm</type>", with: "<type arch='x86_64'>hvm</type>")
            .replacing("<interface type='bridge'>", with: "<interface type='user'>").replacing("<source bridge='br0'/>", with: "")
        let file = try host.libvirtd.file("guest1.xml", domain)
        if isDefined {
            try host.libvirtd.virsh("define", file)
            try host.libvirtd.virsh("start", "--paused", "guest1")
        } else {
            try host.libvirtd.virsh("create", "--paused", file)
        }
        try await host.expect(1, "i-00000001")
        #expect(try read(host) == "200")
        #expect(try post(host, "c2VjcmV0") == "200")
        #expect(try post(host, "another").hasSuffix("409"))
        #expect(try read(host) == "c2VjcmV0200")
        #expect(try isKept("c2VjcmV0", by: host, "--live"))
        #expect(try isKept("c2VjcmV0", by: host, "--config") == isDefined)
        #expect(try command(host).stdout == "c2VjcmV0")
        #expect(try command(host, "--clear").status == 0)
        try await host.eventually("it is gone") { try read(host) == "200" }
    }

    @Test func `the operator prints it and clears it, and then the guest may leave another one`() async throws {
        let host = try await Host(options: Self.allowed)
        try await start(host)
        #expect(try command(host).status == 1)
        #expect(try post(host, "first") == "200")
        #expect(try command(host).stdout == "first")
        let cleared = try command(host, "--clear")
        #expect(cleared.status == 0 && cleared.stdout.isEmpty && cleared.stderr == "guest1: password removed\n")
        #expect(try !isKept("first", by: host, "--live") && !isKept("first", by: host, "--config"))
        try await host.eventually("it is gone") { try read(host) == "200" }
        let again = try command(host, "--clear")
        #expect(again.status == 0 && again.stderr == "guest1: no password is set; no changes\n")
        #expect(try post(host, "second") == "200")
        #expect(try read(host) == "second200")

        try host.libvirtd.virsh("destroy", "guest1")
        #expect(try command(host).stdout == "second")
        #expect(try command(host, "--clear").status == 0)
        #expect(try command(host).status == 1)
    }

    @Test func `a password encrypted for a key is decrypted with it`() async throws {
        let host = try await Host(options: Self.allowed)
        try await start(host)
        let (key, other) = (host.libvirtd.directory + "/key", host.libvirtd.directory + "/other")
        for file in [key, other] {
            // On a busy machine primes of this size take their time.
            try Command.succeed(
                ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096", "-out", file],
                limit: .seconds(120))
        }
        let secret = try Command.succeed(
            ["sh", "-c", "openssl pkeyutl -encrypt -inkey '\(key)' | base64 -w0"], input: "Pässw0rd")
        #expect(try post(host, secret) == "200")
        let right = try command(host, "--decrypt", key)
        #expect(right.status == 0 && right.stdout == "Pässw0rd")
        let wrong = try command(host, "--decrypt", other)
        #expect(wrong.status == 1)
        #expect(wrong.stderr.contains("was not encrypted for this key"))
        #expect(try command(host, "--decrypt", "/nonexistent").status == 1)
    }

    @Test func `of two that come at once, exactly one is kept, again and again`() async throws {
        let host = try await Host(options: Self.allowed)
        try await start(host)
        for round in 0..<10 {
            let url = host.url(Self.path)
            let answers = try Command.succeed(
                ["curl", "-s", "-Z", "--parallel-immediate", "-w", " %{http_code} ", "-H", "X-Forwarded-For: \(Host.address(1))"]
                    + ["--data", "\(round)", url, url, url, url])
            #expect(answers.ranges(of: " 200 ").count == 1 && answers.ranges(of: "409 Conflict").count == 3, "\(answers)")
            #expect(try read(host) == "\(round)200")
            #expect(try command(host, "--clear").status == 0)
            try await host.eventually("it is gone") { try read(host) == "200" }
        }
    }

    @Test func `a transient guest has it while it lives`() async throws {
        let host = try await Host(options: Self.allowed)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        #expect(try post(host, " ") == "200")
        #expect(try read(host) == " 200")
        #expect(try command(host, "--clear").status == 0)
        try await host.eventually("it is gone") { try read(host) == "200" }
    }

    @Test func `with edits taking effect at once, a password is still the running guest's`() async throws {
        let host = try await Host(options: Self.allowed + ["--edited"])
        try await start(host)
        #expect(try post(host, "secret") == "200")
        #expect(try read(host) == "secret200")
        try host.libvirtd.virsh("metadata", "guest1", "--uri", "urn:virt-metadata:password:1", "--config", "--remove")
        #expect(try read(host) == "secret200")
    }

    @Test func `without libvirtd the guest gets 503, and the next request stores it`() async throws {
        let host = try await Host(options: Self.allowed)
        try await start(host)
        #expect(try post(host, "early") == "200")
        #expect(try command(host, "--clear").status == 0)
        try await host.eventually("it is gone") { try read(host) == "200" }
        try host.libvirtd.kill(SIGKILL)
        for _ in 0..<3 { #expect(try post(host, "lost").hasSuffix("503")) }
        #expect(host.server.log.components(separatedBy: "cannot store a guest password").count == 2)
        #expect(try read(host) == "200")

        try host.libvirtd.restart()
        // The test driver of a new libvirtd does not have the old one's domains, and forgets its own with the last connection.
        try await host.expect(1, nil, within: .seconds(15))
        try await start(host)
        try await host.eventually("it is stored", within: .seconds(10)) { try post(host, "late") == "200" }
        #expect(host.server.log.contains("guest passwords can be stored again"))
    }

    @Test func `where it is not allowed nothing is stored, and there is no second connection`() async throws {
        let host = try await Host()
        try await start(host)
        #expect(try post(host, "secret").hasSuffix("400"))
        #expect(try read(host) == "200")
        #expect(try !isKept("secret", by: host, "--live"))
        #expect(host.server.log.contains("guest password POST rejected (400)"))
    }
}
