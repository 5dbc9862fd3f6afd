import Common
import Foundation
import Identity
import Logging
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

@testable import Guests
@testable import Host
@testable import Netlink
@testable import Server
@testable import VendorData

/// A listener in this process on a port of 127.0.0.1, over an inventory that the test fills; clients are identified by their
/// addresses in 127.0.0.0/8, as `Guests` lists them.
struct LiveServer: Sendable {
    let port: Int
    let board: SnapshotBoard
    private let services: ServiceGroup
    private let listener: GuestListener

    /// Runs a listener for as long as `body` lasts, and ends it as SIGTERM would.
    ///
    /// - Parameters:
    ///   - snapshot: The first snapshot.
    ///   - address: The listen address; guests connect to 127.0.0.1.
    ///   - threads: How many threads serve.
    ///   - views: The trees that are served.
    ///   - limits: Changes the limits of guests.
    ///   - board: Publishes `snapshot`, for a test that publishes others.
    ///   - endsByCancelling: Whether its task is cancelled at the end, instead.
    static func run<Value: Sendable>(
        snapshot: Snapshot = Guests.snapshot, on address: String = "127.0.0.1", threads: Int = 1,
        views: [any MetadataView] = Server.views,
        limits change: (inout GuestLimits) -> Void = { _ in },
        sessions: SessionPolicy = SessionPolicy(), clock: TokenClock = TokenClock(), agent: NeutronAgent? = nil,
        board: SnapshotBoard = SnapshotBoard(), passwords: GuestPasswords.Keep? = nil,
        targets: VendorDataTargets? = nil, seal: DocumentSignatures? = nil,
        onUnmatched: @escaping @Sendable (Client, MatchFailure) -> Void = { _, _ in },
        onLimit: @escaping @Sendable (ConnectionLimits.Key?, ConnectionLimits.Exceeded) -> Void = { _, _ in },
        log: any LogHandler = SwiftLogNoOpLogHandler(), endsByCancelling: Bool = false,
        _ body: @Sendable (LiveServer) async throws -> Value
    ) async throws -> Value {
        var limits = GuestLimits()
        change(&limits)
        board.publish(snapshot)
        let lookup = ClientLookup(
            neighbours: try Neighbours(), file: try Guests.neighbours(),
            trusted: [Guests.proxies].compactMap { AddressRange($0) })
        let authority = try #require(TokenAuthority(key: [UInt8](repeating: 1, count: TokenAuthority.keyBytes)))
        let passwords = GuestPasswords(keeper: passwords, logger: Logger(label: "passwords", factory: { _ in log }))
        let responder = GuestResponder(
            views: views, board: board, lookup: lookup, agent: agent,
            tokens: SessionTokens(authority: authority, clock: clock, policy: sessions),
            sources: MetadataSources(entropy: .system, signatures: seal, vendorDataTargets: targets), passwords: passwords,
            events: GuestEvents(
                watch: RequestWatch(board, views: views.map(\.name)), board: board, passwords: passwords,
                onUnmatched: onUnmatched,
                wantLeases: { _, _ in }))
        let listener = try GuestListener(
            threads: threads, responder: responder, limits: limits, onLimit: onLimit, onAcceptFailure: { _ in })
        let socket = try await listener.open(SocketAddress(ipAddress: address, port: 0))
        let services = ServiceGroup(
            services: [listener], logger: Logger(label: "services", factory: { _ in SwiftLogNoOpLogHandler() }))
        let server = LiveServer(
            port: listener.address(of: socket)?.port ?? 0, board: board, services: services, listener: listener)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            let result: Result<Value, any Error>
            do {
                result = .success(try await body(server))
            } catch {
                result = .failure(error)
            }
            if endsByCancelling {
                tasks.cancelAll()
                // The result may be a cancellation; only the end of the task counts.
                _ = await tasks.nextResult()
                return try result.get()
            }
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return try result.get()
        }
    }

    /// Listens on another port, with a scope.
    /// - Returns: the number of the port.
    func open(_ scope: ListenScope) async throws -> Int {
        let socket = try await listener.open(SocketAddress(ipAddress: "127.0.0.1", port: 0), of: scope)
        return try #require(listener.address(of: socket)?.port)
    }

    /// How many connections are open.
    var connections: Int { listener.present.connections }

    /// Asks the listener to stop, as SIGTERM does.
    func stop() async {
        await services.triggerGracefulShutdown()
    }

    func waitUntilHeld(_ count: Int) async throws {
        let areHeld = try await eventually(every: .milliseconds(5)) { listener.present.held == count }
        try #require(areHeld, "\(listener.present.held) requests are held, not \(count)")
    }

    func waitUntilOpen(_ count: Int) async throws {
        let areOpen = try await eventually(every: .milliseconds(5)) { listener.present.connections == count }
        try #require(areOpen, "\(listener.present.connections) connections are open, not \(count)")
    }

    /// Waits until connections are refused: the listener has begun to stop.
    func waitUntilClosed() async throws {
        try #require(try await eventually(every: .milliseconds(5)) { (try? connection()) == nil }, "the listener still listens")
    }

    /// A connection of a guest.
    func connection(of guest: String = Guests.web, window: Int32? = nil) throws -> RawConnection {
        try RawConnection(to: port, from: guest, window: window)
    }

    /// The reply to one GET over a separate connection.
    func get(_ path: String, as guest: String = Guests.web, fields: String = "") async throws -> RawReply {
        let connection = try connection(of: guest)
        try await connection.send("GET \(path) HTTP/1.1\r\n\(fields)\r\n")
        return try await connection.reply()
    }
}

/// The clients of these tests.
enum Guests {
    /// The guest `web`, with little user data.
    static let web = "127.0.0.2"
    /// The guest `big`, with 4 MiB of user data.
    static let big = "127.0.0.3"
    /// An address without a known hardware address.
    static let unresolved = "127.0.0.4"
    /// An address whose hardware address no domain has.
    static let unmatched = "127.0.0.5"
    /// An address whose hardware address the domains `one` and `two` have.
    static let twins = "127.0.0.6"
    /// The guest `huge`, with 6 MiB of user data.
    static let huge = "127.0.0.7"
    /// A proxy whose `X-Forwarded-For` is trusted; it is no guest itself.
    static let proxy = "127.0.0.9"
    static let proxies = "127.0.0.8/29"

    static let userData = "#cloud-config\npassword: correct-horse\n"
    static let hugeUserData = [UInt8](repeating: UInt8(ascii: "x"), count: 6 << 20)
    static let bigUserData = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 12) }

    /// The complete inventory.
    static let snapshot = snapshot(
        of: [
            instance(1, "web", mac: "52:54:00:00:00:02", Array(userData.utf8)),
            instance(2, "big", mac: "52:54:00:00:00:03", bigUserData),
            instance(5, "huge", mac: "52:54:00:00:00:07", hugeUserData),
            instance(3, "one", mac: "52:54:00:00:00:06"), instance(4, "two", mac: "52:54:00:00:00:06"),
        ], isComplete: true)

    /// The inventory while it is read: only `web` is known yet.
    static let firstSnapshot = snapshot(of: [instance(1, "web", mac: "52:54:00:00:00:02")], isComplete: false)

    static func snapshot(of instances: [Instance?], isComplete: Bool) -> Snapshot {
        var snapshot = Snapshot()
        for instance in instances.compactMap(\.self) { snapshot.insert(instance) }
        snapshot.isComplete = isComplete
        return snapshot
    }

    /// The hardware address of each address.
    static func neighbours() throws -> NeighbourFile {
        let file = FileManager.default.temporaryDirectory.appending(path: "neighbours-\(UUID().uuidString)")
        try Data(neighbourTable.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try NeighbourFile(path: file.path)
    }

    /// A hardware address that no test uses.
    static let mac = "52:54:00:00:00:02"

    static let neighbourTable = """
        127.0.0.2 0x1 0x2 52:54:00:00:00:02 * lo
        127.0.0.3 0x1 0x2 52:54:00:00:00:03 * lo
        127.0.0.5 0x1 0x2 52:54:00:00:00:05 * lo
        127.0.0.6 0x1 0x2 52:54:00:00:00:06 * lo
        127.0.0.7 0x1 0x2 52:54:00:00:00:07 * lo

        """

    static func instance(
        _ number: Int, _ name: String, mac: String, _ userData: [UInt8]? = nil, sessions: SessionPolicy = SessionPolicy(),
        password: String? = nil
    ) -> Instance? {
        guard let uuid = InstanceUUID("00000000-0000-4000-8000-00000000000\(number)"), let mac = MACAddress(mac) else {
            return nil
        }
        let names = InstanceNames(
            domain: uuid, domainName: name, uuid: uuid, id: "i-\(number)", name: name, hostname: name)
        var documents = OperatorDocuments()
        documents.userData = userData
        return Instance(
            names: names, launch: LaunchFacts(type: "small"), documents: documents, interfaces: [NetworkInterface(mac: mac)],
            sessions: sessions, password: password)
    }
}
