import Common
package import Configuration
import FoundationEssentials
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
        /// The problem, the socket and the remedy.
        package let problem: String
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
            throw Failure(isDenied: false, problem: "the configuration has no admin socket: admin-socket is 'none'")
        }
        guard FileManager.default.fileExists(atPath: path) else { throw Self.failure(ENOENT, path) }
        guard FileManager.default.isWritableFile(atPath: path) else { throw Self.failure(EACCES, path) }
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
            throw Failure(isDenied: false, problem: "the server at \(path) does not answer: \(error)")
        }
    }

    private static func failure(_ code: CInt, _ path: String) -> Failure {
        switch code {
        case EACCES, EPERM: Failure(isDenied: true, problem: "\(path): only root may ask the server; try sudo")
        case ENOENT:
            Failure(
                isDenied: false,
                problem:
                    "\(path) is not there: no server runs here, or with another --admin-socket; systemctl start virt-metadata")
        default:
            Failure(isDenied: false, problem: "nobody answers at \(path): no server runs; systemctl start virt-metadata")
        }
    }
}
