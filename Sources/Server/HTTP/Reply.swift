import Common
import Inventory
import NIOCore
import NIOHTTP1

/// What goes back to a guest: a status, a body and its kind. Answers become statuses here and nowhere else.
struct Reply: Sendable {
    let status: HTTPResponseStatus
    let content: Content
    /// One more field of the head, such as the methods that would be served.
    var field: (name: String, value: String)?
    /// How many hops its packets may go; `nil` as far as any.
    var hopLimit: Int?
    /// Whose instance it is about; `nil` where that is nobody's, or not known.
    var domain: InstanceUUID?
    /// Which view it is of: a number of `views`; `nil` where no view claims the path.
    var view: Int?

    /// What stands at a place.
    init(_ node: Node) {
        status = .ok
        content = node.content
    }

    private init(refusing status: HTTPResponseStatus) {
        self.status = status
        content = Content(body: .text("\(status.code) \(status.reasonPhrase)"), type: .plainText)
    }

    static let badRequest = Reply(refusing: .badRequest)
    static let notFound = Reply(refusing: .notFound)
    static let unauthorized = Reply(refusing: .unauthorized)
    static let forbidden = Reply(refusing: .forbidden)
    static let readOnly = methodNotAllowed(but: "GET, HEAD")
    static let conflict = Reply(refusing: .conflict)
    /// Nothing, where nothing more is to be said.
    static let done = Reply(.text(""))
    static let requestTimeout = Reply(refusing: .requestTimeout)
    static let payloadTooLarge = Reply(refusing: .payloadTooLarge)
    static let headersTooLarge = Reply(refusing: .requestHeaderFieldsTooLarge)

    /// The refusal of a request that its caller may ask in some seconds (RFC 6585 §4).
    static func tooManyRequests(after seconds: Int) -> Reply {
        var reply = Reply(refusing: .tooManyRequests)
        reply.field = ("Retry-After", "\(seconds)")
        return reply
    }

    /// The refusal for now, with the seconds after which to ask again; as cloudbase-init does by itself.
    static let unavailable = {
        var reply = Reply(refusing: .serviceUnavailable)
        reply.field = ("Retry-After", "5")
        return reply
    }()

    /// What became of a guest's password.
    static func outcome(_ outcome: PasswordKeeper.Outcome) -> Reply {
        switch outcome {
        case .stored: .done
        case .alreadySet: .conflict
        case .noDomain: .notFound
        case .unavailable: .unavailable
        }
    }

    /// The same, which says whose instance it is about and which view it is of.
    func about(_ domain: InstanceUUID, of view: Int?) -> Reply {
        var reply = self
        (reply.domain, reply.view) = (domain, view)
        return reply
    }

    /// The refusal of a method where others would be served.
    static func methodNotAllowed(but allowed: String) -> Reply {
        var reply = Reply(refusing: .methodNotAllowed)
        reply.field = ("Allow", allowed)
        return reply
    }
}

/// How a connection goes on after a reply, as its `Connection` field says.
enum Persistence {
    /// HTTP/1.1's default, which needs no word.
    case open
    /// HTTP/1.0 asked to go on.
    case keptAlive
    /// This was the last reply.
    case closing
}

extension ByteBuffer {
    /// Writes a whole response (RFC 9112) as one buffer, so that it leaves in one packet where it fits one.
    mutating func write(_ reply: Reply, date: String, persistence: Persistence, withBody: Bool) {
        let length = reply.content.length
        reserveCapacity(minimumWritableBytes: 256 + (withBody ? length : 0))
        switch (reply.status, reply.content.type) {
        // What nearly every request gets is written at once.
        case (.ok, .plainText):
            writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: ")
        case (.ok, .json): writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ")
        case (let status, .plainText): writeHead(status, "text/plain; charset=UTF-8")
        case (let status, .json): writeHead(status, "application/json")
        }
        writeString(String(length))
        writeStaticString("\r\nDate: ")
        writeString(date)
        if let field = reply.field {
            writeStaticString("\r\n")
            writeString(field.name)
            writeStaticString(": ")
            writeString(field.value)
        }
        switch persistence {
        case .open: writeStaticString("\r\n\r\n")
        case .keptAlive: writeStaticString("\r\nConnection: keep-alive\r\n\r\n")
        case .closing: writeStaticString("\r\nConnection: close\r\n\r\n")
        }
        guard withBody else { return }
        switch reply.content.body {
        case .text(let text): writeString(text)
        case .bytes(let bytes): writeBytes(bytes)
        }
    }

    private mutating func writeHead(_ status: HTTPResponseStatus, _ type: String) {
        writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\nContent-Type: \(type)\r\nContent-Length: ")
    }
}

extension Content {
    /// The length of the body, in bytes.
    fileprivate var length: Int {
        switch body {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}
