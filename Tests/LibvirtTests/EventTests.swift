import Glibc
import Libvirt
import TestSupport
import Testing

/// A hypervisor behind a daemon of its own, and what that daemon is told.
@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled(if: PrivateLibvirtd.obstacle() == nil, "These tests start a libvirtd of their own, which needs root."))
struct EventTests {
    private let uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
    private let daemon: PrivateLibvirtd
    private let hints = HintLog()
    private let hypervisor: Hypervisor

    init() throws {
        daemon = try PrivateLibvirtd()
        hypervisor = Hypervisor(
            uri: daemon.uri, keepaliveInterval: .seconds(1), keepaliveCount: 2, openingLimit: .seconds(2),
            onHint: { [hints] in hints.add($0) })
    }

    private func define(_ uuid: String, name: String = "web") throws {
        let xml = """
            <domain type='test'><name>\(name)</name><uuid>\(uuid)</uuid><memory>1024</memory><os><type>hvm</type></os></domain>
            """
        try daemon.virsh("define", try daemon.file("\(name).xml", xml))
    }

    @Test func `defining, starting, editing and destroying a domain each give a hint`() async throws {
        try await hypervisor.connect()
        #expect(await hypervisor.unavailableEvents.isEmpty)
        try define(uuid)
        #expect(try await hints.has(.domain(uuid: uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false) == nil)

        hints.clear()
        try daemon.virsh("start", "web")
        #expect(try await hints.has(.domain(uuid: uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false)?.name == "web")

        hints.clear()
        try daemon.virsh("metadata", "web", "--uri", "urn:x", "--key", "x", "--set", "<a>1</a>", "--live", "--config")
        #expect(try await hints.has(.domain(uuid: uuid)))
        let edited = try #require(try await hypervisor.domain(uuid: uuid, edited: false))
        #expect(edited.liveXML.contains("<x:a xmlns:x=\"urn:x\">1</x:a>"))

        hints.clear()
        try daemon.virsh("destroy", "web")
        #expect(try await hints.has(.domain(uuid: uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false) == nil)
        #expect(hints.all.allSatisfy { $0 == .domain(uuid: uuid) })
    }

    @Test func `a network that starts or stops gives a hint`() async throws {
        try await hypervisor.connect()
        try daemon.virsh("net-destroy", "default")
        #expect(try await hints.has(.network(name: "default")))
        #expect(try await hypervisor.network(named: "default") == nil)
        hints.clear()
        try daemon.virsh("net-start", "default")
        #expect(try await hints.has(.network(name: "default")))
        #expect(try await hypervisor.network(named: "default")?.name == "default")
    }

    @Test func `a killed daemon is told, and its successor is found`() async throws {
        try await hypervisor.connect()
        #expect(await hypervisor.isConnected)
        try daemon.kill(SIGKILL)
        #expect(try await hints.hasConnectionLost())
        #expect(await !hypervisor.isConnected)
        await #expect(throws: LibvirtError.self) { try await hypervisor.runningDomains() }
        await #expect(throws: LibvirtError.self) { try await hypervisor.connect() }

        try daemon.restart()
        try await hypervisor.connect()
        hints.clear()
        try define(uuid)
        #expect(try await hints.has(.domain(uuid: uuid)))
    }

    @Test func `a call to a daemon that hangs ends once keepalive messages stay unanswered`() async throws {
        try await hypervisor.connect()
        try daemon.kill(SIGSTOP)
        let start = ContinuousClock.now
        await #expect(throws: LibvirtError.self) { try await hypervisor.networks() }
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(try await hints.hasConnectionLost())
        #expect(await !hypervisor.isConnected)
    }

    @Test func `a daemon that hangs is noticed without any call`() async throws {
        try await hypervisor.connect()
        try daemon.kill(SIGSTOP)
        #expect(try await hints.hasConnectionLost(within: .seconds(8)))
    }

    @Test func `connecting to a daemon that hangs ends in time, and works once it wakes`() async throws {
        try daemon.kill(SIGSTOP)
        for _ in 0..<2 {
            let error = await #expect(throws: LibvirtError.self) { try await hypervisor.connect() }
            #expect(error?.code == .operationTimeout)
        }
        try daemon.kill(SIGCONT)
        try await hypervisor.connect()
        try define(uuid)
        #expect(try await hints.has(.domain(uuid: uuid)))
    }

    @Test func `no hint comes after disconnect`() async throws {
        try await hypervisor.connect()
        try define(uuid)
        #expect(try await hints.has(.domain(uuid: uuid)))
        let other = Hypervisor(uri: daemon.uri, onHint: { _ in })
        try await other.connect()
        await hypervisor.disconnect()
        hints.clear()
        try daemon.virsh("start", "web")
        try daemon.kill(SIGKILL)
        try await Task.sleep(for: .seconds(1))
        #expect(hints.all.isEmpty)
    }

    @Test func `disconnecting from a daemon that hangs ends in time`() async throws {
        try await hypervisor.connect()
        try daemon.kill(SIGSTOP)
        let start = ContinuousClock.now
        await hypervisor.disconnect()
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(await !hypervisor.isConnected)
        #expect(hints.all.isEmpty)
    }

    @Test func `disconnecting amid a storm of events stops every hint`() async throws {
        try await hypervisor.connect()
        try define(uuid)
        try daemon.virsh("start", "web")
        // The made-up hypervisor forgets its domains when nobody is connected.
        let keeper = Hypervisor(uri: daemon.uri, onHint: { _ in })
        try await keeper.connect()
        let virsh = "virsh --quiet --connect '\(daemon.uri)' 'suspend web; resume web'"
        async let storm = Command.run(["bash", "-c", "while ((SECONDS < 6)); do \(virsh) || exit 1; done"])
        let start = ContinuousClock.now
        var rounds = 0
        while ContinuousClock.now - start < .seconds(4) {
            hints.clear()
            #expect(try await hints.has(.domain(uuid: uuid)))
            await hypervisor.disconnect()
            let count = hints.all.count
            try await Task.sleep(for: .milliseconds(10))
            #expect(hints.all.count == count)
            try await hypervisor.connect()
            rounds += 1
        }
        #expect(rounds > 10)
        #expect(await keeper.isConnected)
        #expect(try await storm.status == 0, "the storm lasted until its time was up")
    }

    @Test func `no connection stays behind, whether it was ended or forgotten`() async throws {
        for _ in 0..<10 { try await hypervisor.connect() }
        #expect(try await eventually { try connections() == 1 })
        await hypervisor.disconnect()
        #expect(try await eventually { try connections() == 0 })
        do {
            let forgotten = Hypervisor(uri: daemon.uri, onHint: { _ in })
            try await forgotten.connect()
            #expect(try connections() == 1)
        }
        #expect(try await eventually { try connections() == 0 })
    }

    /// How many connections the daemon holds. The kernel counts an accepted socket, under the listener's path, to the network
    /// namespace of whoever connected; state 03 is connected.
    private func connections() throws -> Int {
        try Command.succeed(["cat", "/proc/net/unix"]).split(separator: "\n").count {
            $0.hasSuffix(" \(daemon.directory)/libvirt-sock") && $0.split(separator: " ")[5] == "03"
        }
    }
}
