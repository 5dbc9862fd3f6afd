import Common
package import Configuration
import Glibc
import HTTPClient
import JSON

/// The client of a running server's admin socket.
package struct AdminClient {
    package struct Answer {
        package let status: Int
        package let bytes: [UInt8]

        package var error: String? {
            guard let json = try? JSONParsing.value(of: bytes), case .string(let text)? = json["error"] else { return nil }
            return text
        }
    }

    /// Why a request failed.
    package struct Failure: Error {
        /// Whether there is a server, and this user may not connect to it.
        package let isDenied: Bool
        /// The problem, with the socket.
        package let problem: String
        /// What to do about it.
        package var remedy: String?

        /// The problem and the remedy, in one line.
        package var sentence: String { remedy.map { "\(problem); \($0)" } ?? problem }
    }

    private static let limit = Duration.seconds(15)
    private static let longest = 64 << 20

    /// The socket's path; `nil` where the configuration has none.
    package let path: String?

    package init(_ configuration: Configuration) {
        path = configuration.adminSocketPath
    }

    /// Requests a path.
    ///
    /// - Parameters:
    ///   - components: the components of the path, unencoded; they are percent-encoded here.
    ///   - query: likewise.
    package func get(_ components: [String], query: [(String, String)] = []) async throws(Failure) -> Answer {
        guard let path else {
            let problem = "the server has no admin socket (admin-socket is none)"
            throw Failure(isDenied: false, problem: problem, remedy: "set --admin-socket PATH")
        }
        // Safe: access(2) reads the path up to its zero, and keeps no pointer.
        guard unsafe access(path, W_OK) == 0 else { throw Self.failure(errno, path) }
        let target = "/" + components.map(PercentEncoding.encoded).joined(separator: "/")
        let pairs = query.map { "\($0)=\(PercentEncoding.encoded($1))" }.joined(separator: "&")
        // A Unix socket has no host; the URL must have one.
        let url = "http://localhost\(target)\(pairs.isEmpty ? "" : "?\(pairs)")"
        do throws(HTTPFailure) {
            let answer = try await HTTPClient(connections: 1).answer(
                to: HTTPRequest(url, socket: path, limit: Self.limit, longest: Self.longest))
            return Answer(status: answer.status, bytes: answer.body)
        } catch {
            if case .notConnected(let code) = error { throw Self.failure(code, path) }
            let problem = "the server does not answer at \(path): \(error)"
            throw Failure(isDenied: false, problem: problem, remedy: "sudo systemctl restart virt-metadata")
        }
    }

    private static func failure(_ code: CInt, _ path: String) -> Failure {
        switch code {
        case EACCES, EPERM: Failure(isDenied: true, problem: "permission denied: \(path)", remedy: "run as root")
        case ENOENT, ENOTDIR: Failure(isDenied: false, problem: "server not running (no \(path))", remedy: start)
        default: Failure(isDenied: false, problem: "server not running (nothing listens on \(path))", remedy: start)
        }
    }

    private static let start = "sudo systemctl start virt-metadata"
}
