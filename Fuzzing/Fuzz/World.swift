import Common
import Description
import FoundationEssentials
import Glibc
import Identity
import Logging

@testable import Guests
@testable import Host
@testable import Netlink
@testable import Server

/// Who and what there is for made-up guests: four of the fixtures' domains, each with a text that only it may read, and the secrets
/// that the seeds are made by. Nothing in it is left to chance or to the time.
struct World {
    /// A domain and what is told about it to itself alone.
    struct Guest {
        let instance: Instance
        let address: String
        /// Texts that stand in no other domain's metadata.
        let canaries: [[UInt8]]
        /// The tokens that open it; the seeds have them.
        let tokens: Set<String>
    }

    static let key = [UInt8](repeating: 1, count: TokenAuthority.keyBytes)
    static let time: Int64 = 1_700_000_000
    static let lifetimes = [60, 21_600]
    static let proxy = "127.0.0.9"
    static let secret = "s3kr1t"
    /// By the secret, of the one domain whose project an agent knows.
    static let signature = "cb88281be6a3fb0696d1cf2424ceabdc765de1899a2417928939484696798319"

    /// Made once: reading the fixtures takes longer than anything that is asked.
    static let shared = World()

    let guests: [Guest]
    let authority: TokenAuthority
    let tokens: SessionTokens
    let lookup: ClientLookup
    /// What answers guests, and what answers an agent.
    let responder: GuestResponder
    let agents: GuestResponder
    /// What answers before the first inventory is complete, with nobody known.
    let early: GuestResponder

    private init() {
        do {
            try self.init(reading: "fixtures/instances")
        } catch {
            fatalError("the fixtures are not as the target needs them, or this is not their repository: \(error)")
        }
    }

    private init(reading folder: String) throws {
        guard let authority = TokenAuthority(key: Self.key), let signature = InstanceSignature(secret: Array(Self.secret.utf8)),
            let proxies = AddressRange("\(Self.proxy)/32")
        else { fatalError("the secrets have the wrong form") }
        let stories = [
            ("127.0.0.2", "rich", "", ""), ("127.0.0.3", "ec2", "", ""),
            ("127.0.0.7", "openstack", "<files>", "<userdata>only the third may read this</userdata><files>"),
            (
                "127.0.0.6", "two-nics", "<interfaces>",
                "<imds tokens='required'/><userdata>only by a token</userdata><interfaces>"
            ),
        ]
        let reader = try InstanceAssembly()
        let instances = try stories.map { _, story, old, new in
            let data = FileManager.default.contents(atPath: "\(folder)/\(story)/domain.xml") ?? Data()
            let xml = String(decoding: data, as: UTF8.self)
            return try reader.assemble(Array((old.isEmpty ? xml : xml.replacing(old, with: new)).utf8)).instance
        }
        guests = zip(stories, instances).map { story, instance in
            Guest(
                instance: instance, address: story.0, canaries: Self.canaries(of: instance),
                tokens: Set(
                    Self.lifetimes.map {
                        authority.token(for: instance.domain, lifetime: $0, at: Self.time, nonce: Self.entropy.bytes(8))
                    }))
        }
        self.authority = authority
        let clock = TokenClock(wall: { Self.time }, steady: { 0 })
        tokens = SessionTokens(authority: authority, clock: clock, policy: SessionPolicy())
        lookup = ClientLookup(
            neighbours: try Neighbours(), file: try Self.neighbours(of: guests), trusted: [proxies])
        var snapshot = Snapshot()
        let (board, unfilled) = (SnapshotBoard(), SnapshotBoard())
        for instance in instances { snapshot.insert(instance) }
        snapshot.isComplete = true
        board.publish(snapshot)
        responder = Self.responder(board, lookup, tokens, agent: nil)
        agents = Self.responder(board, lookup, tokens, agent: NeutronAgent(signature: signature))
        early = Self.responder(unfilled, lookup, tokens, agent: nil)
    }

    private static let entropy = Entropy { [UInt8](repeating: 7, count: $0) }

    private static func responder(
        _ board: SnapshotBoard, _ lookup: ClientLookup, _ tokens: SessionTokens, agent: NeutronAgent?
    ) -> GuestResponder {
        let logger = Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() })
        let passwords = GuestPasswords(keeper: { _, _, done in done(.stored) }, logger: logger)
        return GuestResponder(
            views: views, board: board, lookup: lookup, agent: agent, tokens: tokens, sources: MetadataSources(entropy: entropy),
            passwords: passwords,
            events: GuestEvents(
                watch: RequestWatch(board, views: views.map(\.name)), board: board, passwords: passwords,
                onUnmatched: { _, _ in },
                wantLeases: { _, _ in }))
    }

    /// What a domain's own guest reads of itself, and no other could come to say by chance.
    private static func canaries(of instance: Instance) -> [[UInt8]] {
        let texts = [instance.uuid.description] + instance.interfaces.map(\.mac.description)
        return texts.map { Array($0.utf8) } + [instance.documents.userData ?? []].filter { $0.count > 8 }
    }

    /// The domains' first interfaces, one that is nobody's, and nothing of the rest.
    private static func neighbours(of guests: [Guest]) throws -> NeighbourFile {
        let lines = guests.compactMap { guest in
            guest.instance.interfaces.first.map { "\(guest.address) 0x1 0x2 \($0.mac) * lo\n" }
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "virt-metadata-fuzz-\(getpid())")
        try Data((lines.joined() + "127.0.0.5 0x1 0x2 52:54:00:ff:00:05 * lo\n").utf8).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        return try NeighbourFile(path: path.path)
    }
}
