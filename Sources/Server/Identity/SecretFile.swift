import Kernel

/// A file of secrets: the operator's, or ours that was made on the first start and is the same ever after.
enum SecretFile {
    /// The most bytes that are read: a dozen keys with their certificates.
    static let mostBytes = 64 << 10

    /// Why there is no secret to be had.
    enum Failure: Error, CustomStringConvertible {
        /// It is a directory, a pipe or something else that keeps nothing.
        case notRegular(path: String)
        /// It has more than `mostBytes`.
        case tooLarge(path: String)
        /// Others than its owner may read or write it.
        case exposed(path: String, permissions: UInt32)
        /// It is there, or may be, and cannot be read.
        case unreadable(path: String, KernelError)
        /// It is not there and cannot be made.
        case notCreated(path: String, KernelError)
        /// What is in it is no such secret.
        case unusable(path: String, String)
        /// It is not there, and there is nothing to put into it.
        case noSecret(path: String, any Error)

        /// What is wrong, and what to do about it.
        var description: String {
            switch self {
            case .notRegular(let path):
                "\(path): is no regular file, and a secret is kept in one; move it out of the way by 'mv \(path) \(path).old'"
            case .tooLarge(let path):
                "\(path): is larger than \(mostBytes >> 10) KiB, and so no secret; look what it is by 'file \(path)'"
            case .exposed(let path, let permissions):
                "\(path): others may read or write it (mode \(String(permissions, radix: 8))); "
                    + "keep them out by 'chmod 600 \(path)'"
            case .unreadable(let path, let error):
                "\(path): \(error); it must be possible to read it, as its owner or as root"
            case .notCreated(let path, let error):
                "\(path): is not there and cannot be made: \(error); it must be possible to write in its directory"
            case .unusable(let path, let problem): "\(path): \(problem)"
            case .noSecret(let path, let error):
                "\(path): is not there, and nothing to put into it: \(error)"
            }
        }

        /// Whether another place would do, because this user cannot have this one.
        var isOfPlace: Bool {
            switch self {
            case .unreadable, .notCreated: true
            case .notRegular, .tooLarge, .exposed, .unusable, .noSecret: false
            }
        }
    }

    /// Reads a file of secrets; where there is none, makes it first. Of several who make it at the same time all read what one
    /// wrote.
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
            // A link that leads nowhere is there and is not: only reading tells it from what another has made.
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
