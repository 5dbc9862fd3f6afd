import NIOHTTP1

extension WireFault {
    /// Neither a status line of HTTP nor the beginning of one.
    private static let garbage = Array("\u{15}\u{3}\u{1} this is not HTTP \u{0}\u{FFFD}\r\n\r\n".utf8)

    /// Changes what is sent for a request.
    func change(_ plan: inout WirePlan, isHead: Bool) {
        switch answer {
        case .normal: break
        case .status(let status, let headers, let body): replace(&plan, status, headers, body, isHead)
        case .garbage: (plan.head, plan.body, plan.end) = (Self.garbage, [], .close)
        case .nothing: (plan.cut, plan.end) = (0, .silence)
        }
        if let contentLength { plan.announce(length: contentLength) }
        plan.delay += delay
        plan.bodyDelay += bodyDelay
        if let rate { plan.bodyRate = rate }
        if let hopLimit { plan.hopLimit = hopLimit }
        switch end {
        case .closed(let bytes): (plan.cut, plan.end) = (plan.head.count + bytes, .close)
        case .reset(let bytes): (plan.cut, plan.end) = (bytes.map { plan.head.count + $0 } ?? 0, .reset)
        case nil: break
        }
    }

    private func replace(_ plan: inout WirePlan, _ status: Int, _ headers: [Header], _ body: [UInt8]?, _ isHead: Bool) {
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        var fields = headers.map { HeaderField($0.name, $0.value) }
        if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            fields.insert(HeaderField("Content-Type", "text/plain; charset=UTF-8"), at: 0)
        }
        plan.replaceReply(
            status: status, reason: reason, headers: fields, body: body ?? Array("\(status) \(reason)".utf8), isHead: isHead)
    }
}

extension WirePlan {
    /// Announces another length than the body has; the bytes stay.
    fileprivate mutating func announce(length: Int) {
        let lines = head.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line, as: UTF8.self).lowercased().hasPrefix("content-length:")
                ? Array("Content-Length: \(length)\r".utf8)[...] : line
        }
        head = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }
}
