import Common
import Glibc

/// A directory with files of virt-metadata.
struct Directory {
    let path: String

    init(path: String) {
        self.path = path
    }

    /// The parent directory of a file.
    init(of file: String) {
        guard let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            path = "."
            return
        }
        path = slash == file.startIndex ? "/" : String(file[..<slash])
    }

    /// Creates the directory unless it exists; its parent must exist.
    /// - Throws: `KernelError`, as `DirectoryWalk` does, or with the code of mkdir(2).
    func make(_ permissions: mode_t = 0o755) throws(KernelError) {
        guard let name = DirectoryWalk.steps(of: path).last, name != ".." else { return }
        try Self.make(name, in: DirectoryWalk(to: parent), permissions)
    }

    /// Creates the directory as `make` does, and opens it; it must not be a symbolic link.
    /// - Throws: As `make` does, or with the code of open(2).
    /// - Returns: A descriptor that the caller must close.
    func opened(making permissions: mode_t) throws(KernelError) -> Int32 {
        guard let name = DirectoryWalk.steps(of: path).last, name != ".." else {
            throw KernelError(.invalidArgument, in: "openat(\(path))")
        }
        let walk = try DirectoryWalk(to: parent)
        try Self.make(name, in: walk, permissions)
        // Safe: openat(2) reads the name up to its zero.
        let descriptor = unsafe openat(walk.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .last(in: "openat(\(name))") }
        return descriptor
    }

    /// The path without its last component.
    private var parent: String {
        (path.hasPrefix("/") ? "/" : "./") + DirectoryWalk.steps(of: path).dropLast().joined(separator: "/")
    }

    private static func make(_ name: String, in walk: borrowing DirectoryWalk, _ permissions: mode_t) throws(KernelError) {
        // Safe: mkdirat(2) reads the name up to its zero.
        guard unsafe mkdirat(walk.descriptor, name, permissions) != 0 else { return }
        let error = KernelError.last(in: "mkdir")
        guard error.code == .alreadyThere else { throw error }
    }

    /// The names in an open directory, without `.` and `..`.
    static func names(in descriptor: Int32) throws(KernelError) -> Set<String> {
        let own = dup(descriptor)
        guard own >= 0 else { throw .last(in: "dup") }
        // Safe: the stream of fdopendir(3) owns the descriptor and is closed below; each entry is copied before the next is read.
        guard let directory = unsafe fdopendir(own) else {
            let error = KernelError.last(in: "fdopendir")
            close(own)
            throw error
        }
        defer { unsafe closedir(directory) }
        var names: Set<String> = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.insert(name) }
        }
        return names
    }

    /// The names in a directory; none where it cannot be read.
    static func names(at directory: String) -> [String] {
        // Safe: opendir(3) reads the path up to its zero; what it returns is closed below and used nowhere else.
        guard let handle = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        // Safe: readdir(3) returns an entry that is valid until the next call, and its name ends with a zero.
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Writes the directory's entries to disk (fsync(2)).
    func sync() throws(KernelError) {
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
    }
}
