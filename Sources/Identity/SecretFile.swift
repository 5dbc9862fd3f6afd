import Common
import Host

/// A file of secrets: the operator's, or one that the server created on its first start and keeps.
enum SecretFile {
    /// The most bytes that are read: a dozen keys with their certificates.
    static let mostBytes = 64 << 10

    /// Why the secret is not available.
    enum Failure: Error, CustomStringConvertible {
        /// A directory, a pipe or another file that stores nothing.
        case notRegular(path: String)
        /// It has more than `mostBytes`.
        case tooLarge(path: String)
        /// Other users than its owner may read or write it.
        case exposed(path: String, permissions: UInt32)
        /// It does not exist, and only the operator can create it.
        case missing(path: String, String)
        /// It exists, or may exist, and cannot be read.
        case unreadable(path: String, KernelError)
        /// It does not exist and cannot be created.
        case notCreated(path: String, KernelError)
        /// Its contents are no valid secret.
        case unusable(path: String, String)
        /// It does not exist, and the secret for it could not be made.
        case noSecret(path: String, any Error)

        var description: String {
            switch self {
            case .notRegular(let path):
                "\(path): not a regular file; move it away: mv \(path) \(path).old"
            case .tooLarge(let path):
                "\(path): larger than \(mostBytes >> 10) KiB: expected a key or secret (check: file \(path))"
            case .exposed(let path, let permissions):
                "\(path): accessible by other users (mode \(String(permissions, radix: 8))); run: chmod 600 \(path)"
            case .missing(let path, let creation): "\(path): no such file; create it: \(creation)"
            case .unreadable(let path, let error):
                "cannot read \(path): \(error); run as its owner or as root"
            case .notCreated(let path, let error):
                "cannot create \(path): \(error); its directory must be writable"
            case .unusable(let path, let problem): "\(path): \(problem)"
            case .noSecret(let path, let error):
                "cannot create \(path): \(error)"
            }
        }

        /// Whether another location would solve it, because this user has no access to this one.
        var dependsOnLocation: Bool {
            switch self {
            case .unreadable, .notCreated: true
            case .notRegular, .tooLarge, .exposed, .missing, .unusable, .noSecret: false
            }
        }

        /// Whether another user may read it.
        var isDenied: Bool {
            guard case .unreadable(_, let error) = self else { return false }
            return error.code == .accessDenied
        }
    }

    /// Reads a file of secrets; where there is none, creates it first. Of several processes that create it at the same time all
    /// read the one that was written.
    static func contents(at path: String, orCreate make: () throws -> [UInt8]) throws(Failure) -> [UInt8] {
        if let bytes = try contents(at: path) { return bytes }
        let secret: [UInt8]
        do {
            secret = try make()
        } catch {
            throw .noSecret(path: path, error)
        }
        do throws(KernelError) {
            try PrivateFile(path: path).create(secret)
            return secret
        } catch {
            // A dangling link exists for creation and not for reading: only a read distinguishes it from a file that another
            // process created.
            guard error.code == .alreadyThere, let bytes = try contents(at: path) else { throw .notCreated(path: path, error) }
            return bytes
        }
    }

    /// Reads a file of secrets; `nil` where there is none.
    static func contents(at path: String) throws(Failure) -> [UInt8]? {
        let contents: PrivateFile.Contents?
        do throws(KernelError) {
            contents = try PrivateFile(path: path).read(mostBytes: mostBytes)
        } catch {
            switch error.code {
            case .invalidArgument: throw .notRegular(path: path)
            case .fileTooBig: throw .tooLarge(path: path)
            default: throw .unreadable(path: path, error)
            }
        }
        guard let contents else { return nil }
        guard contents.permissions & 0o077 == 0 else { throw .exposed(path: path, permissions: contents.permissions) }
        return contents.bytes
    }
}
