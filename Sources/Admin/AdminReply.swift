import Common
import Description
import Guests
import JSON
import NIOHTTP1

/// The reply to an operator's program: JSON as a rule, with a message where something is wrong.
struct AdminReply: Sendable {
    var status: HTTPResponseStatus = .ok
    var type = "application/json"
    let bytes: [UInt8]

    init(_ value: JSONValue, status: HTTPResponseStatus = .ok) {
        self.status = status
        bytes = JSONEncoding.bytes(value) + [UInt8(ascii: "\n")]
    }

    /// A body that is not JSON.
    init(_ bytes: [UInt8], type: String, status: HTTPResponseStatus = .ok) {
        (self.bytes, self.type, self.status) = (bytes, type, status)
    }

    /// An error message with the problem and its remedy.
    static func failure(_ status: HTTPResponseStatus, _ message: String) -> AdminReply {
        AdminReply(.object([JSONMember("error", .string(message))]), status: status)
    }

    /// The reply that a guest would get, to the byte, in a status of the admin interface.
    static func guests(_ reply: Reply) -> AdminReply {
        let type =
            switch reply.content.type {
            case .plainText: "text/plain; charset=UTF-8"
            case .json: "application/json"
            }
        return AdminReply(reply.content.bytes, type: type, status: reply.status)
    }
}
