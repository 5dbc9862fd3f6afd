import Foundation
import TestSupport
import Testing

/// Requests of a guest whose domain was started again: those of the earlier run say nothing about the guest that runs now.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct RestartedGuestTests {
    @Test func `requests from before a domain's last start are told from those of the running guest`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0d:00:51", address: "192.0.2.10/24")
        try await host.serve("--intercept", "address")
        try await host.expect(web)
        func run(_ arguments: String...) throws -> Command.Output {
            let connection = arguments[0] == "requests" ? [] : ["-c", host.libvirtd.uri]
            let own = connection + ["--run-directory", host.runDirectory]
            return try Command.run([MetadataServer.executable] + arguments + own, in: host.host.name)
        }
        func lastRequest() throws -> String? {
            let row = try run("list").stdout.split(separator: "\n").first { $0.hasPrefix("web ") }
            return row?.split(separator: "  ").last?.trimmingCharacters(in: .whitespaces)
        }
        #expect(try lastRequest()?.hasPrefix("200 ") == true)
        let before = try run("requests", "web")
        #expect(before.stderr.isEmpty)
        let count = before.stdout.split(separator: "\n").count - 1
        #expect(count > 0)

        try host.destroy("web")
        try await host.eventually("the domain is gone") { try run("requests", "web").status == 1 }
        try host.start(web)
        try await host.eventually("the domain is back") { try run("requests", "web").status == 0 }
        #expect(try lastRequest() == "none since start")
        let restarted = try run("requests", "web")
        #expect(restarted.stdout.split(separator: "\n").count == count + 1)
        #expect(restarted.stderr == "web: no requests since the domain's last start; these requests are older\n")
        let note = "request   note: the server would answer, but the guest has sent no request since its domain started\n"
        let page = try run("doctor", "web").stdout
        #expect(page.contains("\n\(note)"), "\(page)")

        try await host.expect(web)
        #expect(try lastRequest()?.hasPrefix("200 ") == true)
        let both = try run("requests", "web")
        let all = both.stdout.split(separator: "\n").count - 1
        let earlier = count == 1 ? "the first of these \(all) requests is" : "the first \(count) of these \(all) requests are"
        #expect(both.stderr == "web: \(earlier) from before the domain's last start\n")
        #expect(try run("requests", "web", "-n", "1").stderr.isEmpty)
        let json = try run("requests", "web", "--json").stdout
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let requests = try #require(document["requests"] as? [[String: Any]])
        #expect(requests.map { $0["earlier_run"] as? Bool } == (0..<all).map { $0 < count })
    }
}
