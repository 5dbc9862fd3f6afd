import TestSupport
import Testing

/// How far the answer that brings a token goes, seen from the guest's end of the cable.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct HopLimitTests {
    private static let lifetime = "X-aws-ec2-metadata-token-ttl-seconds: 60"

    /// Counts the packets with data that come from a server, by their remaining hops: 1, or more.
    private static let counting = """
        table inet hops {
            counter near {}
            counter far {}
            chain input {
                type filter hook input priority 0;
                tcp sport 80 tcp flags & psh == psh ip ttl 1 counter name near
                tcp sport 80 tcp flags & psh == psh ip ttl > 1 counter name far
                tcp sport 80 tcp flags & psh == psh ip6 hoplimit 1 counter name near
                tcp sport 80 tcp flags & psh == psh ip6 hoplimit > 1 counter name far
            }
        }
        """

    /// - Parameter rules: the rules at its end of the link.
    private func guest(of host: BridgedHost, _ rules: String = counting) throws -> BridgedHost.Guest {
        let web = try host.guest("web", mac: "52:54:00:0a:00:01", address: "192.0.2.10/24")
        let rules = try host.libvirtd.file("hops.nft", rules)
        try web.namespace.run("nft", "-f", rules)
        return web
    }

    /// The number of data packets with one remaining hop, and of those with more, since the last call.
    private func counted(by guest: BridgedHost.Guest) throws -> [Int] {
        try ["near", "far"].map { name in
            let text = try guest.namespace.run("nft", "reset", "counter", "inet", "hops", name)
            let count = try #require(text.firstMatch(of: /packets (\d+)/)).1
            return Int(count) ?? -1
        }
    }

    @Test func `a token's packets have its hop limit, and later responses the default`() async throws {
        let host = try BridgedHost()
        let web = try guest(of: host)
        try await host.serve("--bridge", "br0", "--hop-limit", "1")
        try await host.expect(web)
        for address in ["169.254.169.254", "[fe80::a9fe:a9fe%25eth0]"] {
            try await host.expect(web, at: address)
            _ = try counted(by: web)
            let id = "http://\(address)/latest/meta-data/instance-id"
            // One connection for the three.
            let answer = try Command.run(
                [
                    "curl", "-s", "-g", id, "--next", "-s", "-g", "-X", "PUT", "-H", Self.lifetime, "-w", " %{num_connects} ",
                    "http://\(address)/latest/api/token", "--next", "-s", "-g", id,
                ], in: web.namespace.name, limit: .seconds(10))
            #expect(answer.stdout.wholeMatch(of: /i-web[A-Za-z0-9+\/]{68} 0 i-web/) != nil, "\(answer.stdout)")
            #expect(try counted(by: web) == [1, 2])
        }
    }

    @Test func `a client beyond the limit that sends requests without waiting does not get its token`() async throws {
        let host = try BridgedHost()
        // As if there were a router on the way.
        let web = try guest(of: host, Self.counting.replacing("name near", with: "name near drop"))
        try await host.serve("--bridge", "br0", "--hop-limit", "1")
        try await host.expect(web)
        _ = try counted(by: web)
        let both = "PUT /latest/api/token HTTP/1.1\\r\\n\(Self.lifetime)\\r\\n\\r\\nGET /latest/user-data HTTP/1.0\\r\\n\\r\\n"
        let script = "exec 3<>/dev/tcp/169.254.169.254/80; printf '\(both)' >&3; timeout -s KILL 3 cat <&3"
        let answer = try Command.run(["bash", "-c", script], in: web.namespace.name, limit: .seconds(10)).stdout
        #expect(answer == "")
        let counts = try counted(by: web)
        #expect(counts[0] > 1, "it is sent again, as near as before")
        #expect(counts[1] == 0)
    }

    @Test func `without a limit a token has the default hop limit`() async throws {
        let host = try BridgedHost()
        let web = try guest(of: host)
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        _ = try counted(by: web)
        let answer = try host.ask(web, "/latest/api/token", "-X", "PUT", "-H", Self.lifetime)
        #expect(answer.hasSuffix(" 200"))
        #expect(try counted(by: web) == [0, 1])
    }
}
