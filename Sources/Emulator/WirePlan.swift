/// What is sent for one request, when, and how the connection goes on: the reply as the server would send it, until a rule changes
/// the plan.
///
/// The bytes of head and body are those of the server's own reply writer (or of a recorded reply); a rule that only delays or cuts
/// leaves them alone.
package struct WirePlan: Sendable {
    /// What becomes of the connection after the last byte.
    package enum End: Sendable, Equatable {
        /// Client and server agreed on it in their heads: the connection is kept, or closed.
        case asAgreed
        /// Both halves are closed in good order (FIN).
        case close
        /// The connection is reset (RST), and what the client has not received is lost.
        case reset
        /// Nothing more is sent, and the connection stays open until the client ends it, or for ``longestSilence``.
        case silence
    }

    /// How long an emulator keeps a connection that it never answers.
    package static let longestSilence = Duration.seconds(600)

    /// The status of the reply.
    package private(set) var status: Int
    /// The bytes of the head, including the empty line at its end.
    package var head: [UInt8]
    /// The bytes of the body; empty for a reply to HEAD.
    package var body: [UInt8]
    /// How long to wait before the first byte, from the request's last byte.
    package var delay = Duration.zero
    /// How long to wait between head and body.
    package var bodyDelay = Duration.zero
    /// How many bytes of the body to send in a second; `nil` for all at once.
    package var bodyRate: Int?
    /// How many bytes of head and body to send in all; `nil` for all of them.
    package var cut: Int?
    package var end = End.asAgreed
    /// The hop limit of the reply's packets; `nil` for the kernel's default.
    package var hopLimit: Int?

    /// - Parameter head: a whole head, whose status is `status`.
    package init(status: Int, head: [UInt8], body: [UInt8], hopLimit: Int? = nil) {
        (self.status, self.head, self.body, self.hopLimit) = (status, head, body, hopLimit)
    }

    /// Replaces the reply by another, and keeps delays and end.
    ///
    /// - Parameters:
    ///   - headers: the fields of its head; `Content-Length` is added unless one of them is it.
    ///   - isHead: whether it replies to HEAD, so that the body is not sent.
    package mutating func replaceReply(status: Int, reason: String, headers: [HeaderField], body: [UInt8], isHead: Bool) {
        var fields = headers
        // A client takes what follows for the next response (RFC 9110 §8.6, §15.3.5, §15.4.5).
        let isBodiless = status == 204 || status == 304
        let body = isBodiless ? [] : body
        if !isBodiless, !fields.contains(where: { $0.name.lowercased() == "content-length" }) {
            fields.append(HeaderField("Content-Length", String(body.count)))
        }
        self.status = status
        let lines = ["HTTP/1.1 \(status) \(reason)"] + fields.map { "\($0.name): \($0.value)" }
        head = Array((lines.map { "\($0)\r\n" }.joined() + "\r\n").utf8)
        self.body = isHead ? [] : body
        // The other reply's hop limit was part of it.
        hopLimit = nil
    }

    /// How many bytes are sent.
    package var length: Int { min(cut ?? .max, head.count + body.count) }
}
