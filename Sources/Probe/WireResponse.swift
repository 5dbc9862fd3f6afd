package import Recording

/// A response as it came over the connection.
package struct WireResponse: Sendable {
    package typealias Field = RecordedResponse.Field

    /// How the end of the body was known.
    package enum Framing: Sendable, Equatable {
        /// `Content-Length`, or a response that has no body.
        case length
        case chunked
        /// The server closed the connection.
        case close
    }

    /// The minor version of HTTP/1.
    package let minorVersion: Int
    package let status: Int
    package let reason: String
    /// In the order of the server.
    package let fields: [Field]
    package let body: [UInt8]
    package let framing: Framing
    /// From the first byte of the request to the last of the response.
    package let time: Duration

    /// The value of the first field of this name, in any case.
    package func field(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }?.value
    }

    /// The media type without parameters, in small letters.
    package var mediaType: String {
        let value = field("content-type") ?? ""
        return value.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
    }

    /// Whether the connection can have another request.
    package var keepsConnection: Bool {
        guard framing != .close else { return false }
        let options = field("connection")?.lowercased() ?? ""
        return minorVersion == 0 ? options.contains("keep-alive") : !options.contains("close")
    }

    /// The body as text; `nil` if it is not UTF-8.
    package var text: String? { String(validating: body, as: UTF8.self) }

    /// The response to be written into a recording.
    package func recorded(as target: String) -> RecordedResponse {
        RecordedResponse(target: target, status: status, reason: reason, fields: fields, body: body)
    }
}

/// Why a request has no response.
package enum WireFailure: Error, Equatable, CustomStringConvertible {
    /// The connection failed before or while the request was sent or answered.
    case notConnected(String)
    /// Not complete in time; with what had come.
    case timedOut(String)
    /// The connection ended too early; with what was missing.
    case ended(String)
    /// It is not HTTP/1.
    case malformed(String)
    /// It has more bytes than the limit.
    case tooLong(String)

    package var description: String {
        switch self {
        case .notConnected(let problem): "connection failed: \(problem)"
        case .timedOut(let problem): "timeout: \(problem)"
        case .ended(let problem): "connection closed: \(problem)"
        case .malformed(let problem): "malformed response: \(problem)"
        case .tooLong(let problem): "response too long: \(problem)"
        }
    }
}
