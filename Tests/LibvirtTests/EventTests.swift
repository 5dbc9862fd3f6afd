import Common
import Glibc
import Libvirt
import TestSupport
import Testing

/// A hypervisor behind a daemon of its own.
@Suite(
    .serialized, .timeLimit(.minutes(2)),
    .enabled(if: PrivateLibvirtd.obstacle() == nil, "These tests start a libvirtd of their own, which needs root."))
struct EventTests {
    private let uuid: InstanceUUID
    private let daemon: PrivateLibvirtd
    private let hints = HintLog()
    private let hypervisor: Hypervisor

    init() throws {
        uuid = try #require(InstanceUUID("c7a5fdbd-edaf-9455-926a-d65c16db1809"))
        daemon = try PrivateLibvirtd()
        hypervisor = Hypervisor(
            uri: daemon.uri, keepaliveInterval: .seconds(1), keepaliveCount: 2, openingLimit: .seconds(2),
            onHint: { [hints] in hints.add($0) })
    }

    private func define(_ uuid: InstanceUUID, name: String = "web") throws {
        let xml = """
            <domain type='test'><name>\(name)</name><uuid>\(uuid)</uuid><memory>1024</memory><os><type>hvm</type></os></domain>
            """
        try daemon.virsh("define", try daemon.file("\(name).xml", xml))
    }

    @Test func `defining, starting, editing and destroying a domain each give a hint`() async throws {
        try await hypervisor.connect()
        #expect(await hypervisor.unavailableEvents.isEmpty)
        try define(uuid)
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false) == nil)

        hints.clear()
        try daemon.virsh("start", "web")
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false)?.name == "web")

        hints.clear()
        try daemon.virsh("metadata", "web", "--uri", "urn:x", "--key", "x", "--set", "<a>1</a>", "--live", "--config")
        #expect(try await hints.has(.domain(uuid)))
        let edited = try #require(try await hypervisor.domain(uuid: uuid, edited: false))
        #expect(edited.liveXML.contains("<x:a xmlns:x=\"urn:x\">1</x:a>"))

        hints.clear()
        try daemon.virsh("destroy", "web")
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: false) == nil)
        #expect(hints.all.allSatisfy { $0 == .domain(uuid) })
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

    @Test func `a killed daemon gives a hint, and its successor is found`() async throws {
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
        #expect(try await hints.has(.domain(uuid)))
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

    @Test func `a hung daemon is detected without any call`() async throws {
        try await hypervisor.connect()
        try daemon.kill(SIGSTOP)
        #expect(try await hints.hasConnectionLost(within: .seconds(8)))
    }

    @Test func `connecting to a hung daemon ends in time, and works once it resumes`() async throws {
        try daemon.kill(SIGSTOP)
        for _ in 0..<2 {
            let error = await #expect(throws: LibvirtError.self) { try await hypervisor.connect() }
            #expect(error?.code == .operationTimeout)
        }
        try daemon.kill(SIGCONT)
        try await hypervisor.connect()
        try define(uuid)
        #expect(try await hints.has(.domain(uuid)))
    }

    @Test func `no hint comes after disconnect`() async throws {
        try await hypervisor.connect()
        try define(uuid)
        #expect(try await hints.has(.domain(uuid)))
        let others = HintLog()
        let other = Hypervisor(uri: daemon.uri, onHint: others.add)
        try await other.connect()
        await hypervisor.disconnect()
        hints.clear()
        // Another connection's hints meanwhile, from the same event thread.
        try daemon.virsh("start", "web")
        #expect(try await others.has(.domain(uuid)))
        try daemon.kill(SIGKILL)
        #expect(try await others.hasConnectionLost())
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
        // The test driver forgets its domains when no client is connected.
        let kept = HintLog()
        let keeper = Hypervisor(uri: daemon.uri, onHint: kept.add)
        try await keeper.connect()
        let virsh = "virsh --quiet --connect '\(daemon.uri)' 'suspend web; resume web'"
        let over = daemon.directory + "/over"
        let storm = try RunningProgram([
            "bash", "-c", "while [ ! -e '\(over)' ] && ((SECONDS < 120)); do \(virsh) || exit 1; done",
        ])
        for _ in 0..<15 {
            hints.clear()
            #expect(try await hints.has(.domain(uuid)))
            await hypervisor.disconnect()
            let count = hints.all.count
            // The storm continues, and other connections get hints.
            kept.clear()
            #expect(try await kept.has(.domain(uuid)))
            #expect(hints.all.count == count)
            try await hypervisor.connect()
        }
        #expect(await keeper.isConnected)
        #expect(storm.isRunning, "no command of the storm has failed")
        _ = try daemon.file("over", "")
        #expect(try await eventually { !storm.isRunning })
        #expect(storm.end() == 0)
    }

    @Test func `no connection is leaked, whether it was closed or dropped`() async throws {
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
    /// namespace of the client; state 03 is connected.
    private func connections() throws -> Int {
        try Command.succeed(["cat", "/proc/net/unix"]).split(separator: "\n").count {
            $0.hasSuffix(" \(daemon.directory)/libvirt-sock") && $0.split(separator: " ")[5] == "03"
        }
    }
}
