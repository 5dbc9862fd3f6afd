/// A request to a service that the operator configured.
package struct HTTPRequest: Sendable {
    package enum Method: Sendable {
        case get
        case post([UInt8])
    }

    /// An `http` or `https` URL.
    package var url: String
    /// The Unix socket to connect to in place of the URL's host.
    package var socket: String?
    package var method = Method.get
    /// Header fields, as `Name: value`.
    package var fields: [String] = []
    /// The timeout of the whole exchange, including the wait for a connection.
    package var limit: Duration
    /// The longest accepted body, in bytes.
    package var longest: Int

    package init(_ url: String, _ method: Method = .get, socket: String? = nil, limit: Duration, longest: Int) {
        (self.method, self.url, self.socket, self.limit, self.longest) = (method, url, socket, limit, longest)
    }
}

package struct HTTPAnswer: Sendable {
    package let status: Int
    package let body: [UInt8]
}

/// Why a request has no response.
package enum HTTPFailure: Error, Equatable {
    /// The response was not complete in time.
    case tooLate
    /// The body exceeds the request's limit.
    case tooLong
    /// The connection failed; `errno`, 0 if the kernel reported none.
    case notConnected(Int32)
    /// The host name cannot be resolved.
    case noAddress
    /// The server's certificate is not trusted for the host name.
    case notTrusted
    /// Any other error: libcurl's number (libcurl-errors(3)) and message.
    case other(number: Int, message: String)
}

extension HTTPFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLate: "timeout"
        case .tooLong: "the response is too long"
        case .notConnected(let number): "cannot connect\(number == 0 ? "" : ": \(Self.message(of: number))")"
        case .noAddress: "cannot resolve the host's name"
        case .notTrusted: "the server's certificate is not trusted for this host name"
        case .other(let number, let message): "\(message) (curl \(number))"
        }
    }
}
