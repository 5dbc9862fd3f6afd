package import Common
import Glibc

/// A folder whose files are read by names that someone else wrote: no name leads out of it, and no symbolic link in it is followed.
package struct ContainedFolder: ~Copyable {
    /// The most components of a name; more only cost time.
    package static let mostComponents = 32

    private let descriptor: Int32

    /// Opens the folder, whose own path may have symbolic links.
    /// - Throws: `KernelError` with the code of open(2).
    package init(path: String) throws(KernelError) {
        // Safe: open(2) reads the path up to its zero.
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "open") }
    }

    deinit { close(descriptor) }

    /// The components of a name that stays in the folder; `nil` for a name that is absolute, empty or has an empty component, `.`, `..` or
    /// U+0000, and for one that no file can have.
    package static func components(of name: String) -> [String]? {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= mostComponents else { return nil }
        var components: [String] = []
        for part in parts {
            guard !part.isEmpty, part.count <= Int(NAME_MAX), !part.contains(0) else { return nil }
            components.append(String(decoding: part, as: UTF8.self))
        }
        return components.contains { $0 == "." || $0 == ".." } ? nil : components
    }

    /// Reads a regular file.
    /// - Parameter name: relative to the folder, with `/` between its components.
    /// - Throws: `KernelError`: `.invalidArgument` where the name leads out of the folder or the file is not a regular one, `.symbolicLink`
    ///   or ENOTDIR at a symbolic link, `.fileTooBig` where it is longer than `mostBytes`.
    package func read(_ name: String, mostBytes: Int) throws(KernelError) -> [UInt8] {
        guard let components = Self.components(of: name), let last = components.last else {
            throw KernelError(.invalidArgument, in: "openat")
        }
        var folder = descriptor
        defer { if folder != descriptor { close(folder) } }
        for component in components.dropLast() {
            // Safe: openat(2) reads the name up to its zero.
            let next = unsafe openat(folder, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw .last(in: "openat") }
            if folder != descriptor { close(folder) }
            folder = next
        }
        // O_NONBLOCK, because opening a pipe would wait for its writer.
        // Safe: openat(2) reads the name up to its zero.
        let file = unsafe openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw .last(in: "openat") }
        return try RegularFile(owning: file).read(mostBytes: mostBytes)
    }
}
