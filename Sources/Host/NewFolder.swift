import CLinux
package import Common
import FoundationEssentials
import Glibc

/// A folder that is filled beside its later path and appears there all at once, for its owner alone: directories of mode 0700, files of mode
/// 0600. It is removed if it is not published.
package struct NewFolder: ~Copyable {
    /// `RENAME_NOREPLACE` and `RENAME_EXCHANGE` of renameat2(2).
    private static let noReplace: UInt32 = 1, exchange: UInt32 = 2

    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var directories: Set<String> = []

    /// Creates it under a temporary name beside the path; the path's parent must exist.
    /// - Throws: `KernelError` with the code of mkdir(2) or open(2).
    package init(for path: String) throws(KernelError) {
        var name = path[...]
        while name.utf8.count > 1, name.utf8.last == UInt8(ascii: "/") { name = name.dropLast() }
        let temporary = "\(name).\(UInt64.random(in: .min ... .max)).new"
        // Safe: mkdir(2) reads the path up to its zero.
        guard unsafe mkdir(temporary, 0o700) == 0 else { throw .last(in: "mkdir") }
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "open") }
        (self.path, self.temporary, self.descriptor) = (String(name), temporary, descriptor)
    }

    deinit {
        close(descriptor)
        try? FileManager.default.removeItem(atPath: temporary)
    }

    /// Creates a file with its content, and the directories on its way.
    /// - Parameter name: relative to the folder; not yet there.
    /// - Throws: `KernelError`: `.invalidArgument` where the name would lead out of the folder, or the code of mkdir(2), open(2) or write(2).
    package mutating func write(_ bytes: [UInt8], at name: String) throws(KernelError) {
        guard let components = ContainedFolder.components(of: name) else { throw KernelError(.invalidArgument, in: "openat") }
        for count in 1..<max(components.count, 1) {
            let directory = components.prefix(count).joined(separator: "/")
            guard directories.insert(directory).inserted else { continue }
            // Safe: mkdirat(2) reads the name up to its zero. Only this user can have put anything on its way.
            guard unsafe mkdirat(descriptor, directory, 0o700) == 0 else { throw .last(in: "mkdir") }
        }
        // Safe: openat(2) reads the name up to its zero.
        let file = unsafe openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .last(in: "openat") }
        defer { close(file) }
        try FileDescriptors.write(bytes, to: file)
    }

    /// Moves the folder to its path. It need not be on disk yet: after a power failure files may be empty.
    /// - Parameter replacing: whether an existing folder is exchanged for it and removed; otherwise an existing one is `.alreadyThere`.
    /// - Throws: `KernelError` with the code of renameat2(2); the path is then unchanged.
    package consuming func publish(replacing: Bool) throws(KernelError) {
        // Safe: renameat2(2) reads both paths up to their zeros.
        if unsafe clinux_rename(temporary, path, Self.noReplace) == 0 { return }
        let error = KernelError.last(in: "renameat2")
        guard error.code == .alreadyThere, replacing else { throw error }
        // Safe: as above. What was there is now under the temporary name, and is removed with it.
        guard unsafe clinux_rename(temporary, path, Self.exchange) == 0 else { throw .last(in: "renameat2") }
    }
}
