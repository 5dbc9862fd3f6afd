package import Common
import NIOCore
package import NIOHTTP1

/// The reply to a guest: a status, a body and its media type. Answers become statuses here and nowhere else.
package struct Reply: Sendable {
    package let status: HTTPResponseStatus
    package let content: Content
    /// One more field of the head, such as `Allow`.
    package var field: (name: String, value: String)?
    /// What the reply is about; set when it is finished.
    var subject = Subject(isRelayed: false)

    /// The hop limit of its packets; `nil` for none.
    package var hopLimit: Int? { subject.hopLimit }

    /// The node at a path.
    ///
    /// - Throws: `Unsigned` where the node needs a signature that is not made yet.
    package init(_ node: Node) throws(Unsigned) {
        content = try node.content
        status = .ok
    }

    package init(text: String) {
        content = Content(body: .text(text), type: .plainText)
        status = .ok
    }

    private init(refusing status: HTTPResponseStatus) {
        self.status = status
        content = Content(body: .text("\(status.code) \(status.reasonPhrase)"), type: .plainText)
    }

    package static let badRequest = Reply(refusing: .badRequest)
    package static let notFound = Reply(refusing: .notFound)
    static let unauthorized = Reply(refusing: .unauthorized)
    static let forbidden = Reply(refusing: .forbidden)
    static let readOnly = methodNotAllowed(but: "GET, HEAD")
    package static let conflict = Reply(refusing: .conflict)
    /// An empty reply.
    package static let done = Reply(text: "")
    package static let requestTimeout = Reply(refusing: .requestTimeout)
    static let payloadTooLarge = Reply(refusing: .payloadTooLarge)
    static let headersTooLarge = Reply(refusing: .requestHeaderFieldsTooLarge)

    /// The refusal of a request that its client may repeat in some seconds (RFC 6585 §4).
    static func tooManyRequests(after seconds: Int) -> Reply {
        var reply = Reply(refusing: .tooManyRequests)
        reply.field = ("Retry-After", "\(seconds)")
        return reply
    }

    /// The temporary refusal, with the number of seconds after which to retry; as cloudbase-init does by itself.
    package static let unavailable = {
        var reply = Reply(refusing: .serviceUnavailable)
        reply.field = ("Retry-After", "5")
        return reply
    }()

    /// The refusal of bytes that are no complete request.
    package init(_ refusal: GuestConnection.Refusal) {
        self =
            switch refusal {
            case .badRequest: .badRequest
            case .requestTimeout: .requestTimeout
            case .payloadTooLarge: .payloadTooLarge
            case .headersTooLarge: .headersTooLarge
            case .unavailable: .unavailable
            }
    }

    /// The reply to a guest that sets a password.
    package static func outcome(_ outcome: PasswordOutcome) -> Reply {
        switch outcome {
        case .stored: .done
        case .alreadySet: .conflict
        case .noDomain: .notFound
        case .unavailable: .unavailable
        }
    }

    /// The refusal of a method where others would be served.
    static func methodNotAllowed(but allowed: String) -> Reply {
        var reply = Reply(refusing: .methodNotAllowed)
        reply.field = ("Allow", allowed)
        return reply
    }
}

/// How a connection goes on after a reply, as its `Connection` field says.
package enum Persistence {
    /// HTTP/1.1's default, which needs no field.
    case open
    /// HTTP/1.0 asked to keep the connection.
    case keptAlive
    /// This was the last reply.
    case closing
}

extension ByteBuffer {
    /// Writes a whole response (RFC 9112) as one buffer, so that it leaves in one packet where it fits one.
    package mutating func write(_ reply: Reply, date: String, persistence: Persistence, withBody: Bool) {
        let length = reply.content.length
        reserveCapacity(minimumWritableBytes: 256 + (withBody ? length : 0))
        switch (reply.status, reply.content.type) {
        // Nearly every reply has this head, so it is written at once.
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
    var length: Int {
        switch body {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}
