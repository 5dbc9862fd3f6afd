import Glibc

/// The directory that a file is in.
struct Directory {
    private let path: String

    init(of file: String) {
        guard let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            path = "."
            return
        }
        path = slash == file.startIndex ? "/" : String(file[..<slash])
    }

    /// Makes it where it is not there and its parent is. All may read it, its owner may write, unless other permissions are given.
    func make(_ permissions: mode_t = 0o755) throws(KernelError) {
        // Safe: mkdir(2) reads the path up to its zero.
        guard unsafe mkdir(path, permissions) != 0 else { return }
        let error = KernelError.last(in: "mkdir")
        guard error.code == .alreadyThere else { throw error }
    }

    /// Returns when the names in it are on the disk.
    func sync() throws(KernelError) {
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
    }
}
