package import Common
package import NIOHTTP1

/// A request as far as its reply depends on it. It is parsed once, when its head has arrived: the target, and the fields in one
/// pass. The rest of the head is dropped.
///
/// A class, for it is handed on from step to step, and what it holds would be copied each time.
package final class GuestRequest: Sendable {
    package let method: HTTPMethod
    /// The target as it was sent.
    package let target: String
    /// The path of the target; `nil` where it can be no path of a tree.
    package let path: TreePath?
    let isHTTP10: Bool
    let keepsAlive: Bool
    /// How many bytes of the body are kept, from its beginning; none as a rule.
    let keptBody: Int
    /// The announced length of the body, in bytes; 0 where there is none.
    let contentLength: Int
    private let hasContentLength: Bool
    private let isChunked: Bool
    package let fields: Fields

    /// Says how many bytes are kept of a request's body by its method and path.
    package typealias KeptBody = (HTTPMethod, TreePath?) -> Int

    /// A GET of a target without any field.
    package convenience init(reading target: String) {
        let line = RequestLine(method: .GET, target: target, isHTTP10: false)
        self.init(line, MessageFraming(), Fields()) { _, _ in 0 }
    }

    init(_ line: RequestLine, _ framing: MessageFraming, _ fields: Fields, keptBody: KeptBody) {
        (method, target, path) = (line.method, line.target, TreePath(target: line.target))
        (isHTTP10, self.fields) = (line.isHTTP10, fields)
        (contentLength, hasContentLength, isChunked) = (framing.contentLength, framing.hasLength, framing.isChunked)
        // Another protocol might follow such a request, so its reply is the last.
        keepsAlive = framing.staysOpen(isHTTP10: line.isHTTP10) && !fields.upgrades && line.method != .CONNECT
        self.keptBody = keptBody(method, path)
    }

    /// Whether the method reads a path: GET or HEAD.
    var isReading: Bool { method == .GET || method == .HEAD }

    package var isHead: Bool { method == .HEAD }

    /// Whether the request delimits its body; one that does not has none (RFC 9112 §6.3).
    var hasBodyLength: Bool { hasContentLength || isChunked }

    /// Whether the client may wait with its body for `100 Continue` (RFC 9110 §10.1.1).
    var awaitsContinue: Bool {
        fields.expectsContinue && !isHTTP10 && (contentLength > 0 || isChunked)
    }

    /// The authority of a target that is a whole URL; `nil` where it is a path.
    var authority: Substring? {
        guard target.utf8.first != UInt8(ascii: "/"), method != .CONNECT, let mark = target.utf8.firstRange(of: "://".utf8) else {
            return nil
        }
        let rest = target[mark.upperBound...]
        return rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    }
}

extension GuestRequest {
    /// What a request says in the fields that a reply may depend on.
    package struct Fields: Sendable {
        private(set) var origin = RequestOrigin()
        /// The session token that the request presents.
        package private(set) var token = FieldValue.absent
        /// The requested lifetime of a new token.
        private(set) var tokenLifetime = FieldValue.absent
        /// The client that a proxy forwards the request for.
        private(set) var forwardedFor = FieldValue.absent
        /// The fields that a Neutron metadata agent adds.
        private(set) var agent = Agent()
        /// The accepted media types: several fields form one list (RFC 9110 §5.3).
        private(set) var accept: String?
        fileprivate var expectsContinue = false
        fileprivate var upgrades = false

        /// A Neutron agent's statement about the instance that a request is about, and its signature.
        struct Agent: Sendable {
            var instance = FieldValue.absent
            var project = FieldValue.absent
            var signature = FieldValue.absent
        }

        mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
            // Most field names differ in length.
            switch name.count {
            case 3 where name.isField("via"), 9 where name.isField("forwarded"): origin.isForwarded = true
            case 4 where name.isField("host"): origin.host.add(value)
            case 6 where name.isField("accept"): add(accepted: String(repairing: value))
            case 6 where name.isField("origin"): origin.isFromPage = true
            case 6 where name.isField("expect"): expectsContinue = value.extracting(value.firstElement).isField("100-continue")
            case 7 where name.isField("referer"): origin.hasMarkOfBrowser = true
            case 7 where name.isField("upgrade"): upgrades = true
            case 10 where name.isField("user-agent"): if value.begins(with: "Mozilla/") { origin.hasMarkOfBrowser = true }
            case 11 where name.isField("x-tenant-id"): agent.project.add(value)
            case 13 where name.isField("x-instance-id"): agent.instance.add(value)
            // A page can suppress its Referer and choose its User-Agent, to its own host a browser sends no Origin, and to a plain http URL no
            // Sec-Fetch-Site. This one it cannot remove, and no cloud agent sends it.
            case 14 where name.isField("sec-fetch-site"): origin.isFromPage = true
            case 15 where name.isField("accept-language"): origin.hasMarkOfBrowser = true
            case 15 where name.isField("x-forwarded-for"): forwardedFor.add(value)
            case 23 where name.isField("x-instance-id-signature"): agent.signature.add(value)
            case 24 where name.isField(SessionTokens.tokenField): token.add(value)
            case 36 where name.isField(SessionTokens.lifetimeField): tokenLifetime.add(value)
            default: break
            }
        }

        private mutating func add(accepted value: String) { accept = accept.map { "\($0),\(value)" } ?? value }
    }
}

/// The value of a field that may occur once.
package enum FieldValue: Sendable, Equatable {
    case absent
    case once(String)
    /// The field occurs more than once, so its sender is uncertain.
    case repeated

    mutating func add(_ value: Span<UInt8>) { self = self == .absent ? .once(String(repairing: value)) : .repeated }
}

extension Span<UInt8> {
    /// Where the first element of a list is, without the blanks around it.
    fileprivate var firstElement: Range<Int> {
        withoutBlanks(in: 0..<(index(of: UInt8(ascii: ","), from: 0) ?? count))
    }
}
