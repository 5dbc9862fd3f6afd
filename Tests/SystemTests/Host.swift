import Foundation
import TestSupport
import Testing

/// A libvirtd of our own with guests numbered from 1, and a server that believes who they say they are.
struct Host {
    let libvirtd: PrivateLibvirtd
    let server: MetadataServer

    init(libvirtd: PrivateLibvirtd, server: MetadataServer) {
        (self.libvirtd, self.server) = (libvirtd, server)
    }

    init(driver: PrivateLibvirtd.Driver = .test, options: [String] = []) async throws {
        try await self.init(libvirtd: PrivateLibvirtd(driver: driver), options: options)
    }

    /// - Parameters:
    ///   - uri: the way to it, where that is not the straight one.
    ///   - wrapper: a command that the server is started by.
    ///   - address: where it is to listen.
    init(
        libvirtd: PrivateLibvirtd, uri: String? = nil, at address: String = "127.0.0.1:0", options: [String] = [],
        under wrapper: [String] = []
    ) async throws {
        self.libvirtd = libvirtd
        let neighbours = try libvirtd.file("neighbours", Self.neighbours)
        server = try await MetadataServer(
            [
                "--connect", uri ?? libvirtd.uri, "--listen", address, "--trust-forwarded-for", "127.0.0.1/32",
                "--neighbours", neighbours, "--log-level", "debug",
            ] + options, under: wrapper)
        try await eventually("the inventory is complete") { server.log.contains("the inventory is complete") }
    }

    static func address(_ number: Int) -> String { "192.0.2.\(number)" }

    static func mac(_ number: Int) -> String { "52:54:00:0f:00:0\(number)" }

    static let neighbours = (1...9).map { "\(address($0)) 0x1 0x2 \(mac($0)) * br0\n" }.joined()

    static func domain(_ number: Int, mac: String? = nil, metadata: String? = nil) -> String {
        """
        <domain type='test'>
          <name>guest\(number)</name>
          <uuid>6a9b1c2d-0000-4000-8000-00000000000\(number)</uuid>
          <metadata><instance xmlns='urn:virt-metadata:instance:1'>
            \(metadata ?? "<instance-id>i-0000000\(number)</instance-id>")
          </instance></metadata>
          <memory unit='MiB'>64</memory>
          <os><type>hvm</type></os>
          <devices><interface type='bridge'><mac address='\(mac ?? Self.mac(number))'/><source bridge='br0'/></interface></devices>
        </domain>
        """
    }

    /// Starts a guest that lives until it is destroyed.
    func define(_ number: Int, mac: String? = nil, metadata: String? = nil) throws {
        let path = try libvirtd.file("guest\(number).xml", Self.domain(number, mac: mac, metadata: metadata))
        try libvirtd.virsh("create", path)
    }

    func url(_ path: String) -> String { "http://\(server.address)\(path)" }

    /// The command by which a guest requests a path: it prints the body and the status.
    func curl(_ number: Int, _ path: String = "/latest/meta-data/instance-id") -> [String] {
        ["curl", "-s", "-w", "%{http_code}", "-H", "X-Forwarded-For: \(Self.address(number))", url(path)]
    }

    func body(_ number: Int, _ path: String) throws -> String { try Command.succeed(curl(number, path)) }

    /// A guest's instance-id; `nil` if it is unknown.
    func ask(_ number: Int) throws -> String? {
        let answer = try body(number, "/latest/meta-data/instance-id")
        return answer.hasSuffix("200") ? String(answer.dropLast(3)) : nil
    }

    /// A guest's instance-id is as expected within a second, the promised time, with a margin for a busy machine.
    func expect(
        _ number: Int, _ id: String?, within limit: Duration = .seconds(3), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually("guest\(number) is \(id ?? "unknown")", within: limit, sourceLocation: sourceLocation) {
            try ask(number) == id
        }
    }

    func eventually(
        _ what: String, within limit: Duration = .seconds(5), every pause: Duration = .milliseconds(20),
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
    ) async throws {
        guard try await !TestSupport.eventually(within: limit, every: pause, condition) else { return }
        Issue.record("not within \(limit): \(what)\n\(server.log.suffix(4000))", sourceLocation: sourceLocation)
    }
}
