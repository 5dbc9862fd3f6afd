import Common
import Configuration
import EC2API
import Emulator
import FoundationEssentials
import Guests
import NoCloudAPI
import OpenStackAPI
import TestSupport
import Testing

/// Every fixture through the emulator, over sockets: what authors of agents test against is what the server's own views say.
@Suite struct EmulatedWalkTests {
    @Test(arguments: Case.all) func `an emulated fixture answers as its golden files`(fixture: Case) async throws {
        try await Self.serve(fixture) { port, question in
            let view = { (own: any MetadataView) in try SocketView(own, port: port) }
            try golden("ec2.txt", of: fixture).expect(try goldenWalk(through: view(EC2View()), for: question))
            try golden("openstack.txt", of: fixture).expect(try goldenWalk(through: view(OpenStackView()), for: question))
            let walk = try Walk(through: view(NoCloudView()), from: TreePath(["nocloud"]), for: question)
            try golden("nocloud.txt", of: fixture).expect(walk.text)
        }
    }

    private static func serve(_ fixture: Case, _ body: (_ port: Int, _ question: Question) throws -> Void) async throws {
        var rules = EmulatedInstance.Rules()
        rules.entropy = { purpose in
            // A document draws more bytes than a token's random part has; the golden files have these three.
            Entropy { $0 > 64 ? [1, 2, 3] : SeededEntropy.entropy(seed: 1, purpose: purpose).bytes($0) }
        }
        rules.sign = { document in
            DocumentSignatures.Forms(
                signature: "a signature over \(document.count) bytes",
                signedDocument: "\(document.count) bytes,\nand a signature")
        }
        let clock = RealClock()
        let source = try EmulatorSource(reading: fixture.folder.path) { file, bytes throws(EmulatorError) in
            do throws(ConfigurationError) {
                var configuration = Configuration()
                try configuration.read(bytes, of: file)
                return configuration.defaults
            } catch {
                throw EmulatorError("\(error)")
            }
        }
        let instance = try EmulatedInstance(source, rules: rules, clock: clock)
        let server = EmulatorServer([instance], on: [IPAddress(v4: 0x7F00_0001)], clock: clock)
        try await server.start(port: 0)
        let result = Result {
            let url = try #require(server.urls(of: instance).first)
            try body(try #require(url.split(separator: ":").last.flatMap { Int($0) }), fixture.question())
        }
        await server.stop()
        try result.get()
    }

    private func golden(_ file: String, of fixture: Case) -> GoldenFile {
        GoldenFile(url: fixture.folder.appending(path: "golden/\(file)"))
    }
}

/// A view whose nodes are what a server answers: bytes, media types and listings come over a connection; only whether a path is a
/// directory is the server's own view's to say, as no answer says it.
private final class SocketView: MetadataView {
    private let own: any MetadataView
    private let client: Locked<PlainClient>
    private let token: String

    var name: String { own.name }
    var root: TreePath { own.root }

    init(_ own: any MetadataView, port: Int) throws {
        let client = try PlainClient(to: port)
        (self.own, token) = (own, try client.token())
        self.client = Locked(client)
    }

    func publicNode(at path: TreePath) -> Node? { nil }

    func node(at path: TreePath, for question: Question) -> Node? {
        let target = "/" + path.names.map(PercentEncoding.encoded).joined(separator: "/")
        let reply = client.withLock { try? $0.request("GET", target, headers: [("X-aws-ec2-metadata-token", token)]) }
        guard let reply, reply.status == 200 else { return nil }
        if case .directory? = own.publicNode(at: path) ?? own.node(at: path, for: question) {
            let members = reply.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            return Directory(members.map { Directory.Member($0, isDirectory: false, label: $0) { nil } }).map(Node.directory)
        }
        switch reply.field("Content-Type") {
        case "application/json": return .document(.json) { () throws(Unsigned) in reply.body }
        case "text/plain; charset=UTF-8": return .bytes(reply.body)
        default: return nil
        }
    }
}
