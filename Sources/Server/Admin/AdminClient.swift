import AsyncHTTPClient
import Common
import FoundationEssentials
import Glibc
import JSON
import NIOCore
import NIOHTTP1

/// Asks a running server over its admin socket.
struct AdminClient {
    /// What a server said.
    struct Answer {
        let status: Int
        let bytes: [UInt8]

        /// What is wrong, as the server says it.
        var error: String? {
            guard let json = try? JSONParsing.value(of: bytes), case .string(let text)? = json["error"] else { return nil }
            return text
        }
    }

    /// Why a server could not be asked.
    struct Failure: Error {
        /// Whether there is a server that this user may not ask.
        let isDenied: Bool
        /// What, where and what to do.
        let problem: String
    }

    private static let limit = TimeAmount.seconds(15)
    private static let longest = 64 << 20

    /// The socket's path; `nil` where the configuration has none.
    let path: String?

    /// The server of a configuration.
    init(_ configuration: Configuration) {
        path = configuration.adminSocketPath
    }

    /// Asks for a place.
    ///
    /// - Parameters:
    ///   - words: of the path, as they are; they are encoded here.
    ///   - query: likewise.
    func get(_ words: [String], query: [(String, String)] = []) async throws(Failure) -> Answer {
        guard let path else {
            throw Failure(isDenied: false, problem: "the configuration has no admin socket: admin-socket is 'none'")
        }
        guard FileManager.default.fileExists(atPath: path) else { throw Self.failure(ENOENT, path) }
        guard FileManager.default.isWritableFile(atPath: path) else { throw Self.failure(EACCES, path) }
        let target = "/" + words.map(Self.encoded).joined(separator: "/")
        let pairs = query.map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
        let url = "http+unix://\(Self.encoded(path))\(target)\(pairs.isEmpty ? "" : "?\(pairs)")"
        do {
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: Self.limit)
            let body = try await response.body.collect(upTo: Self.longest)
            return Answer(status: Int(response.status.code), bytes: Array(body.readableBytesView))
        } catch let error as IOError {
            throw Self.failure(error.errnoCode, path)
        } catch {
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

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let letter = Character(UnicodeScalar(byte))
            if letter.isASCII, letter.isLetter || letter.isNumber || "-._~".contains(letter) { return String(letter) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
