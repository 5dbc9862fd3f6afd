import Common
import Identity
import Logging
import NIOHTTP1
import RequestOracle
import TestSupport
import Testing

@testable import Guests
@testable import Netlink
@testable import Server

/// From a request to its reply, without a connection: the reply's subject, and the reported events.
final class GuestResponderTests: Sendable {
    private static let web = Client(address: IPAddress(v4: 0x7F00_0002), mac: MACAddress("52:54:00:00:00:02"))
    private static let unmatched = Client(address: IPAddress(v4: 0x7F00_0005), mac: MACAddress("52:54:00:00:00:05"))
    private static let proxy = Client(address: IPAddress(v4: 0x7F00_0009), mac: nil)

    private let board = SnapshotBoard()
    private let events = Locked<[String]>([])

    private func responder(_ snapshot: Snapshot = Guests.snapshot, agent: NeutronAgent? = nil) throws -> GuestResponder {
        board.publish(snapshot)
        let authority = try #require(TokenAuthority(key: [UInt8](repeating: 1, count: TokenAuthority.keyBytes)))
        let passwords = GuestPasswords(keeper: nil, logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
        var policy = SessionPolicy()
        policy.hopLimit = 1
        return GuestResponder(
            views: views, board: board,
            lookup: ClientLookup(
                neighbours: try Neighbours(), file: try Guests.neighbours(),
                trusted: [Guests.proxies].compactMap { AddressRange($0) }),
            agent: agent, tokens: SessionTokens(authority: authority, clock: TokenClock(), policy: policy),
            sources: MetadataSources(entropy: .system), passwords: passwords,
            events: GuestEvents(
                watch: RequestWatch(board, views: views.map(\.name)), board: board, passwords: passwords,
                onUnmatched: { [self] client, reason in events.withLock { $0.append("\(client.address): \(reason)") } },
                wantLeases: { [self] network, _ in events.withLock { $0.append("\(network)") } }))
    }

    private func request(_ method: HTTPMethod, _ target: String, _ fields: HTTPHeaders = [:]) -> GuestRequest {
        RequestOracle.request(HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: fields))
    }

    private func reply(_ response: Response) throws -> Reply {
        guard case .reply(let reply) = response.outcome else {
            throw NoReply()
        }
        return reply
    }

    private struct NoReply: Error {}

    @Test func `a reply names its view, its instance and its domain run`() throws {
        let responder = try responder()
        let run = try Guests.snapshot.match(Self.web).get().run
        for (target, status, view) in [
            ("/latest/meta-data/hostname", 200, "ec2"), ("/latest/nowhere", 404, "ec2"),
            ("/openstack/latest/user_data", 200, "openstack"),
        ] {
            let response = responder.respond(to: request(.GET, target), from: .client(Self.web))
            let reply = try reply(response)
            #expect(reply.status.code == UInt(status))
            #expect(reply.subject.view.map { views[$0].name } == view)
            #expect(reply.subject.domain == run.domain)
            #expect(reply.subject.run == run && response.run == run, "or a connection could not tell that its port is another's")
            #expect(response.note == nil)
        }
        // The refusal of an invalid token is a reply about the instance too.
        let refused = responder.respond(
            to: request(.GET, "/latest/meta-data/hostname", ["X-aws-ec2-metadata-token": "x"]), from: .client(Self.web))
        #expect(try reply(refused).status == .unauthorized)
        #expect(refused.run == run)
    }

    @Test func `replies for any client, and to unmatched ones, are about no instance`() throws {
        let responder = try responder()
        for (method, target) in [(HTTPMethod.GET, "/"), (.POST, "/latest/user-data"), (.GET, "/%00")] {
            let response = responder.respond(to: request(method, target), from: .client(Self.web))
            #expect(try reply(response).subject.domain == nil && response.run == nil)
        }
    }

    @Test func `a token reply has the hop limit, unless a proxy forwards it, and is counted`() throws {
        let responder = try responder()
        let fields: HTTPHeaders = ["X-aws-ec2-metadata-token-ttl-seconds": "60"]
        let own = responder.respond(to: request(.PUT, "/latest/api/token", fields), from: .client(Self.web))
        #expect(try reply(own).subject.hopLimit == 1)
        guard case .tokenIssued? = own.note else { throw NoReply() }
        var forwarded = fields
        forwarded.add(name: "X-Forwarded-For", value: Guests.web)
        let proxied = responder.respond(to: request(.PUT, "/latest/api/token", forwarded), from: .client(Self.proxy))
        #expect(try reply(proxied).status == .ok)
        #expect(try reply(proxied).subject.hopLimit == nil)
        let refused = responder.respond(to: request(.PUT, "/latest/api/token"), from: .client(Self.web))
        #expect(try reply(refused).status == .badRequest)
        #expect(refused.note == nil)
    }

    /// It can send from the proxy's address, and gets the replies, which go to its port.
    @Test(arguments: [Client.Entrance.bridge("br0"), .port("tap0", bridge: "br0")])
    func `a guest on a bridge is no proxy, whatever its address`(entrance: Client.Entrance) throws {
        let responder = try responder()
        let fields: HTTPHeaders = ["X-Forwarded-For": Guests.web, "X-aws-ec2-metadata-token-ttl-seconds": "60"]
        let reading = request(.GET, "/latest/meta-data/hostname", fields)
        #expect(try reply(responder.respond(to: reading, from: .client(Self.proxy))).content.bytes == Array("web".utf8))
        #expect(responder.standsForMany(Self.proxy))

        let guest = Client(address: Self.proxy.address, mac: Self.unmatched.mac, entrance: entrance)
        #expect(!responder.standsForMany(guest), "or it would have no limits of its own")
        guard case .hold(let doubt) = responder.respond(to: reading, from: .client(guest)).outcome else { throw NoReply() }
        #expect(doubt.client == guest)
        let token = responder.respond(to: request(.PUT, "/latest/api/token", fields), from: .client(guest))
        #expect(try reply(token).status == .forbidden)
    }

    @Test func `a request is held while its client is unmatched, then answered, or given up with its reason`() throws {
        let responder = try responder(Snapshot())
        let reading = request(.GET, "/latest/meta-data/hostname")
        let waiting = responder.respond(to: reading, from: .client(Self.web))
        guard case .hold(let doubt) = waiting.outcome else { throw NoReply() }
        let early = responder.giveUp(doubt)
        #expect(try reply(early).status == .serviceUnavailable)
        #expect(try reply(early).subject.view.map { views[$0].name } == "ec2")
        if let note = early.note { responder.events.note(note) }
        #expect(events.withLock { $0 }.isEmpty, "before all are known, not to know one is no news")

        board.publish(Guests.snapshot)
        #expect(try reply(responder.respond(to: reading, from: .client(Self.web))).status == .ok)
        let unmatched = responder.respond(to: reading, from: .client(Self.unmatched))
        #expect(try reply(unmatched).status == .notFound)
        if let note = unmatched.note { responder.events.note(note) }
        #expect(events.withLock { $0 } == ["127.0.0.5: no running domain has an interface 52:54:00:00:00:05"])
    }

    /// Whether a request by a port is held, of a guest with the MAC address of `web`.
    private func isHeld(by port: Client.Entrance, _ snapshot: Snapshot) throws -> Bool {
        let client = Client(address: Self.web.address, mac: Self.web.mac, entrance: port)
        let response = try responder(snapshot).respond(to: request(.GET, "/latest/meta-data/hostname"), from: .client(client))
        if case .hold = response.outcome { return true }
        return false
    }

    @Test func `a request by a port without a domain waits, whoever else has its MAC address`() throws {
        let mac = try #require(Self.web.mac)
        var card = NetworkInterface(mac: mac)
        var snapshot = Snapshot()
        snapshot.isComplete = true
        func instance(_ number: Int) throws -> Instance {
            let uuid = try #require(InstanceUUID("00000000-0000-4000-8000-00000000000\(number)"))
            let names = InstanceNames(domain: uuid, domainName: "d\(number)", uuid: uuid, id: "i", name: "d", hostname: "d")
            return Instance(names: names, launch: LaunchFacts(type: "t"), interfaces: [card])
        }
        let seen = ContinuousClock.now
        let port = Client.Entrance.port("tap1", bridge: "br0", since: seen)
        #expect(try isHeld(by: port, snapshot))
        // A domain on another bridge.
        (card.tap, card.bridge) = ("tap9", "br9")
        snapshot.insert(try instance(1))
        #expect(try isHeld(by: port, snapshot))
        #expect(try isHeld(by: .bridge("br0"), snapshot))
        // Its own domain of before, which has just stopped.
        (card.tap, card.bridge) = ("tap1", "br0")
        snapshot.insert(try instance(2), readAt: seen - .seconds(1))
        #expect(try isHeld(by: port, snapshot), "that it has stopped is not known yet")
        snapshot.remove(try instance(2).domain)
        #expect(try isHeld(by: port, snapshot))
        // A port of another domain is not.
        card = NetworkInterface(mac: MACAddress(bits: 7))
        (card.tap, card.bridge) = ("tap1", "br0")
        snapshot.insert(try instance(3), readAt: seen + .seconds(1))
        #expect(try !isHeld(by: port, snapshot))
        snapshot.insert(try instance(4), readAt: seen + .seconds(1))
        #expect(try !isHeld(by: port, snapshot), "two claim it")
    }

    @Test func `an operator gets the guest's reply without a token, and nothing is relayed`() throws {
        let agent = NeutronAgent(signature: try #require(InstanceSignature(secret: [1])))
        let responder = try responder(agent: agent)
        let instance = try Guests.snapshot.match(Self.web).get().instance
        let read = { (target: String) in
            try self.reply(responder.respond(to: GuestRequest(reading: target), from: .admin(asking: instance, on: .local)))
        }
        #expect(try read("/latest/meta-data/hostname").content.bytes == Array("web".utf8))
        #expect(try read("/latest/nowhere").status == .notFound)
        #expect(try read("/latest/api/token").status == .methodNotAllowed)
    }

    @Test func `a status that an agent does not relay becomes one that it does`() throws {
        let agent = NeutronAgent(signature: try #require(InstanceSignature(secret: [1])))
        let (responder, plain) = (try responder(agent: agent), try self.responder())
        for (refusal, relayed) in [
            (Reply.requestTimeout, 400), (.payloadTooLarge, 400), (.headersTooLarge, 400), (.readOnly, 400), (.unauthorized, 403),
            (.unavailable, 503),
        ] {
            #expect(responder.refusal(refusal, to: Self.web).status.code == UInt(relayed))
            #expect(plain.refusal(refusal, to: Self.web).status == refusal.status)
        }
        let posted = responder.respond(to: request(.POST, "/latest/user-data"), from: .client(Self.web))
        #expect(try reply(posted).status == .badRequest)
    }

    @Test func `a refused password is reported to the operator`() throws {
        let responder = try responder()
        let fields: HTTPHeaders = ["Content-Length": "1"]
        let response = responder.respond(
            to: request(.POST, "/openstack/latest/password", fields), body: [0x61], from: .client(Self.web))
        #expect(try reply(response).status == .badRequest)
        guard case .passwordRefused? = response.note else { throw NoReply() }
        #expect(responder.keptBody(.POST, TreePath(target: "/openstack/latest/password")) == GuestPasswords.longest + 1)
        #expect(responder.keptBody(.GET, TreePath(target: "/openstack/latest/password")) == 0)
        #expect(responder.keptBody(.POST, TreePath(target: "/openstack/latest/user_data")) == 0)
    }
}
