import Common
import Inventory
import JSON
import NIOHTTP1

/// What goes back to an operator's program: JSON as a rule, with a message where something is wrong.
struct AdminReply: Sendable {
    var status: HTTPResponseStatus = .ok
    var type = "application/json"
    let bytes: [UInt8]

    /// A document.
    init(_ value: JSONValue, status: HTTPResponseStatus = .ok) {
        self.status = status
        bytes = JSONEncoding.bytes(value) + [UInt8(ascii: "\n")]
    }

    /// Something else than JSON.
    init(_ bytes: [UInt8], type: String, status: HTTPResponseStatus = .ok) {
        (self.bytes, self.type, self.status) = (bytes, type, status)
    }

    /// What is wrong, and what to do.
    static func failure(_ status: HTTPResponseStatus, _ message: String) -> AdminReply {
        AdminReply(.object([JSONMember("error", .string(message))]), status: status)
    }

    /// What a guest would get, to the byte; its status is ours.
    static func guests(_ reply: Reply) -> AdminReply {
        let type =
            switch reply.content.type {
            case .plainText: "text/plain; charset=UTF-8"
            case .json: "application/json"
            }
        return AdminReply(reply.content.bytes, type: type, status: reply.status)
    }
}
