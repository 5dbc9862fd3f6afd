import Common
import EC2API
import Guests
import NIOCore
import NIOHTTP1
import Recording

extension WirePlan {
    /// The reply as the server itself writes it.
    init(_ reply: Reply, date: String, persistence: Persistence, isHead: Bool) {
        var buffer = ByteBuffer()
        buffer.write(reply, date: date, persistence: persistence, withBody: !isHead)
        let bytes = Array(buffer.readableBytesView)
        let headCount = bytes.count - (isHead ? 0 : reply.content.bytes.count)
        self.init(
            status: Int(reply.status.code), head: Array(bytes[..<headCount]), body: Array(bytes[headCount...]),
            hopLimit: reply.hopLimit)
    }
}

extension WirePlan {
    /// A recorded reply, byte for byte but for what belongs to one connection and one moment.
    init(_ recorded: RecordedResponse, date: String, persistence: Persistence, isHead: Bool) {
        var lines = ["HTTP/1.1 \(recorded.status) \(recorded.reason)"]
        lines += recorded.servedFields.map { "\($0.name): \($0.value)" }
        lines += ["Content-Length: \(recorded.body.count)", "Date: \(date)"]
        switch persistence {
        case .open: break
        case .keptAlive: lines.append("Connection: keep-alive")
        case .closing: lines.append("Connection: close")
        }
        let head = lines.map { "\($0)\r\n" }.joined() + "\r\n"
        self.init(status: recorded.status, head: Array(head.utf8), body: isHead ? [] : recorded.body)
    }
}

extension EmulatedInstance {
    /// What is sent for a decided reply: of a recorded server its own response, wherever the responder found the request admissible
    /// and no value is set.
    func plan(_ reply: Reply, for request: EmulatedRequest, date: String, persistence: Persistence) -> WirePlan {
        let own = { WirePlan(reply, date: date, persistence: persistence, isHead: request.isHead) }
        guard let recording, let response = recorded(instead: reply, of: request, in: recording) else { return own() }
        return WirePlan(response, date: date, persistence: persistence, isHead: request.isHead)
    }

    private func recorded(instead reply: Reply, of request: EmulatedRequest, in index: RecordingIndex) -> RecordedResponse? {
        guard let path = request.path else { return nil }
        switch request.method {
        case "GET", "HEAD":
            guard reply.status == .ok || reply.status == .notFound, !isChanged(at: path) else { return nil }
            return index.response(to: request.target) ?? index.absent
        case "PUT":
            guard !issuesTokens, EC2View().operation(at: path) != nil else { return nil }
            let status = index.recording.tokenStatus
            guard status != 0 else { return index.absent }
            let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
            return RecordedResponse(
                target: request.target, status: status, reason: reason,
                fields: [.init("Content-Type", "text/plain; charset=UTF-8")], body: Array("\(status) \(reason)".utf8))
        default: return nil
        }
    }
}
