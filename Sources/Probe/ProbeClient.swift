import Common
package import Recording
import Sockets

/// Sends requests one after the other, on one connection as long as the server keeps it.
package final class ProbeClient {
    package typealias Field = RecordedResponse.Field

    package static let tokenTarget = "/latest/api/token"
    package static let tokenField = "X-aws-ec2-metadata-token"
    package static let lifetimeField = "X-aws-ec2-metadata-token-ttl-seconds"

    package let url: ProbeURL
    /// Of one exchange.
    package var timeout: Duration
    /// Of one body, in bytes.
    package var mostBytes: Int
    /// The session token that requests have; `nil` for none.
    package var token: String?
    private let addresses: [ServerAddress]
    private var connection: WireConnection?

    /// - Throws: `ProbeURLError` where the host cannot be resolved.
    package init(
        _ url: ProbeURL, timeout: Duration, mostBytes: Int = RecordingLimits.body
    ) throws(ProbeURLError) {
        (self.url, self.timeout, self.mostBytes) = (url, timeout, mostBytes)
        addresses = try url.addresses()
    }

    /// A connection of its own.
    package func connect() throws(WireFailure) -> WireConnection {
        try WireConnection(to: addresses, within: timeout)
    }

    /// Reads a path of the server.
    /// - Parameter target: from `/`, without the URL's own path.
    package func get(_ target: String, _ fields: [Field] = []) throws(WireFailure) -> WireResponse {
        try request("GET", target, (token.map { [Field(Self.tokenField, $0)] } ?? []) + fields)
    }

    /// Sends a request without the token.
    package func request(_ method: String, _ target: String, _ fields: [Field] = []) throws(WireFailure) -> WireResponse {
        let text = head(method, target, fields)
        let isForHead = method == "HEAD"
        if let kept = connection {
            connection = nil
            do throws(WireFailure) {
                return try exchange(text, isForHead, on: kept)
            } catch {
                // A server may close a connection that it kept, at any time.
                switch error {
                case .notConnected, .ended("no response"): break
                default: throw error
                }
            }
        }
        return try exchange(text, isForHead, on: try connect())
    }

    /// The token of a response; `nil` where it cannot be a field of a request.
    package static func token(in response: WireResponse) -> String? {
        guard response.status == 200, let text = response.text, (1...4096).contains(text.utf8.count) else { return nil }
        return text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
    }

    /// Asks for a session token.
    package func requestToken(lifetime: String? = "300", _ fields: [Field] = []) throws(WireFailure) -> WireResponse {
        let own = lifetime.map { [Field(Self.lifetimeField, $0)] } ?? []
        return try request("PUT", Self.tokenTarget, own + [Field("Content-Length", "0")] + fields)
    }

    /// The head of a request of HTTP/1.1, with its end.
    package func head(_ method: String, _ target: String, _ fields: [Field] = []) -> String {
        let own = [
            Field("Host", url.authority), Field("User-Agent", "virt-metadata/\(Version.current)"), Field("Accept", "*/*"),
        ]
        let names = Set(fields.map { $0.name.lowercased() })
        let lines = (own.filter { !names.contains($0.name.lowercased()) } + fields).map {
            "\($0.name): \(Self.oneLine($0.value))\r\n"
        }
        return "\(method) \(url.prefix)\(Self.oneLine(target)) HTTP/1.1\r\n\(lines.joined())\r\n"
    }

    /// A text of a server, such as a token or an entry of a listing, must not become a line of its own in the next request.
    private static func oneLine(_ text: String) -> String {
        text.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 }
            ? String(decoding: text.utf8.map { $0 == 0x0D || $0 == 0x0A || $0 == 0 ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
            : text
    }

    private func exchange(
        _ text: String, _ isForHead: Bool, on connection: WireConnection
    ) throws(WireFailure) -> WireResponse {
        try connection.send(text, within: timeout)
        let response = try connection.response(isForHead: isForHead, within: timeout, mostBytes: mostBytes)
        if response.keepsConnection, !connection.hasMore { self.connection = connection }
        return response
    }
}
