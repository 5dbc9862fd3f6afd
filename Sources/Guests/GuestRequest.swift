package import Common
package import NIOHTTP1

/// A request as far as its reply depends on it. It is parsed once, when its head has arrived: the target, and the fields in one
/// pass. The rest of the head is dropped.
///
/// A class, for it is handed on from step to step, and what it holds would be copied each time.
package final class GuestRequest: Sendable {
    let method: HTTPMethod
    /// The target as it was sent.
    let target: String
    /// The path of the target; `nil` where it can be no path of a tree.
    let path: TreePath?
    let isHTTP10: Bool
    let keepsAlive: Bool
    /// How many bytes of the body are kept, from its beginning; none as a rule.
    let keptBody: Int
    let fields: Fields

    /// A GET of a target without any field.
    package convenience init(reading target: String) {
        self.init(HTTPRequestHead(version: .http1_1, method: .GET, uri: target))
    }

    /// - Parameter keptBody: says how many bytes are kept of the body of a request by its method and path.
    package init(_ head: HTTPRequestHead, keptBody: (HTTPMethod, TreePath?) -> Int = { _, _ in 0 }) {
        (method, target, path) = (head.method, head.uri, TreePath(target: head.uri))
        isHTTP10 = head.version.minor == 0
        fields = Fields(head.headers)
        // NIO parses nothing after a request that another protocol might follow, so its reply is the last.
        keepsAlive = head.isKeepAlive && !fields.upgrades && method != .CONNECT
        self.keptBody = keptBody(method, path)
    }

    /// Whether the method reads a path: GET or HEAD.
    var isReading: Bool { method == .GET || method == .HEAD }

    var isHead: Bool { method == .HEAD }

    /// Whether the request delimits its body; one that does not has none (RFC 9112 §6.3).
    var hasBodyLength: Bool { fields.hasContentLength || fields.isChunked }

    /// Whether the client may wait with its body for `100 Continue` (RFC 9110 §10.1.1).
    var awaitsContinue: Bool {
        fields.expectsContinue && !isHTTP10 && (fields.contentLength > 0 || fields.isChunked)
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
    struct Fields: Sendable {
        private(set) var origin = RequestOrigin()
        /// The session token that the request presents.
        private(set) var token = FieldValue.absent
        /// The requested lifetime of a new token.
        private(set) var tokenLifetime = FieldValue.absent
        /// The client that a proxy forwards the request for.
        private(set) var forwardedFor = FieldValue.absent
        /// The fields that a Neutron metadata agent adds.
        private(set) var agent = Agent()
        /// The accepted media types: several fields form one list (RFC 9110 §5.3).
        private(set) var accept: String?
        /// The announced length of the body, in bytes; 0 where there is none.
        private(set) var contentLength = 0
        fileprivate var hasContentLength = false
        fileprivate var isChunked = false
        fileprivate var expectsContinue = false
        fileprivate var upgrades = false

        /// A Neutron agent's statement about the instance that a request is about, and its signature.
        struct Agent: Sendable {
            var instance = FieldValue.absent
            var project = FieldValue.absent
            var signature = FieldValue.absent
        }

        init(_ headers: HTTPHeaders) {
            for (name, value) in headers { add(name, value) }
        }

        private mutating func add(_ name: String, _ value: String) {
            // Most field names differ in length.
            switch name.utf8.count {
            case 3 where name.isSame(as: "via"), 9 where name.isSame(as: "forwarded"): origin.isForwarded = true
            case 4 where name.isSame(as: "host"): origin.host.add(value)
            case 6 where name.isSame(as: "accept"): accept = accept.map { "\($0),\(value)" } ?? value
            case 6 where name.isSame(as: "origin"): origin.isFromPage = true
            case 6 where name.isSame(as: "expect"): expectsContinue = value.firstElement.lowercased() == "100-continue"
            case 7 where name.isSame(as: "referer"): origin.hasMarkOfBrowser = true
            case 7 where name.isSame(as: "upgrade"): upgrades = true
            case 10 where name.isSame(as: "user-agent"): if value.hasPrefix("Mozilla/") { origin.hasMarkOfBrowser = true }
            case 11 where name.isSame(as: "x-tenant-id"): agent.project.add(value)
            case 13 where name.isSame(as: "x-instance-id"): agent.instance.add(value)
            case 14 where name.isSame(as: "content-length"): announce(value)
            // A page can suppress its Referer, and to its own host a browser sends no Origin; this field a browser always sends.
            case 14 where name.isSame(as: "sec-fetch-site"): origin.isFromPage = true
            case 15 where name.isSame(as: "x-forwarded-for"): forwardedFor.add(value)
            case 17 where name.isSame(as: "transfer-encoding"): isChunked = true
            case 23 where name.isSame(as: "x-instance-id-signature"): agent.signature.add(value)
            case 24 where name.isSame(as: SessionTokens.tokenField): token.add(value)
            case 36 where name.isSame(as: SessionTokens.lifetimeField): tokenLifetime.add(value)
            default: break
            }
        }

        /// The parser rejects differing lengths; the first counts.
        private mutating func announce(_ value: String) {
            if !hasContentLength { contentLength = Int(value.firstElement) ?? 0 }
            hasContentLength = true
        }
    }
}

/// The value of a field that may occur once.
enum FieldValue: Sendable, Equatable {
    case absent
    case once(String)
    /// The field occurs more than once, so its sender is uncertain.
    case repeated

    mutating func add(_ value: String) { self = self == .absent ? .once(value) : .repeated }
}

extension String {
    /// Whether it is the same field name, of letters, digits and hyphens, in any case.
    fileprivate func isSame(as name: String) -> Bool {
        utf8.elementsEqual(name.utf8) { $0 == $1 || $0 | 0x20 == $1 | 0x20 }
    }

    /// The first element of a list, without the blanks around it.
    fileprivate var firstElement: Substring { prefix { $0 != "," }.withoutBlanks }
}

extension Substring {
    var withoutBlanks: Substring {
        let isBlank = { (octet: UInt8) in octet == UInt8(ascii: " ") || octet == UInt8(ascii: "\t") }
        var rest = utf8.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return Substring(rest)
    }
}
