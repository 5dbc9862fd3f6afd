import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct NetworkNamespaceTests {
    @Test func `a guest reaches the host over the bridge by both protocols`() throws {
        let (host, guest) = (try NetworkNamespace(), try NetworkNamespace())
        try host.addBridge("br0", addresses: ["10.9.0.1/24", "fd09::1/64"])
        _ = try GuestLink(
            from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09", addresses: ["10.9.0.2/24", "fd09::2/64"])
        for address in ["10.9.0.1", "fd09::1"] {
            let knock = try Command.run(["bash", "-c", "exec 3<>/dev/tcp/\(address)/9"], in: guest.name)
            #expect(knock.stderr.contains("refused"), "the host answers, though nothing listens there")
        }
        let links = try guest.run("ip", "-o", "link")
        #expect(links.contains("52:54:00:00:00:09"))
    }

    @Test func `only the entering thread is in the namespace`() throws {
        let namespace = try NetworkNamespace()
        let read = { @Sendable in try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net") }
        let before = try read()
        #expect(try namespace.enter(read) != before)
        #expect(try read() == before)
    }

    @Test func `a removed namespace is no longer listed`() throws {
        let namespace = try NetworkNamespace()
        let list = { try Command.succeed(["ip", "netns", "list"]).split { $0.isWhitespace }.map(String.init) }
        #expect(try list().contains(namespace.name))
        namespace.remove()
        #expect(try !list().contains(namespace.name))
    }

    @Test func `a command that takes too long is ended`() throws {
        #expect(throws: Command.Failure.self) { try Command.run(["sleep", "30"], limit: .milliseconds(200)) }
    }

    @Test func `a command reads its input and reports its status`() throws {
        let output = try Command.run(["sh", "-c", "cat; echo no >&2; exit 3"], input: "yes")
        #expect(output.status == 3)
        #expect(output.stdout == "yes")
        #expect(output.stderr == "no\n")
    }
}
