import Glibc

/// A directory that files of ours are in.
struct Directory {
    private let path: String

    init(path: String) {
        self.path = path
    }

    /// The one that a file is in.
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

    /// What is in it, besides itself and the one above.
    func names() throws(KernelError) -> Set<String> {
        // Safe: opendir(3) reads the path up to its zero; what it gives is closed below, and each entry copied before the next is read.
        guard let directory = unsafe opendir(path) else { throw .last(in: "opendir") }
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

    /// Returns when the names in it are on the disk.
    func sync() throws(KernelError) {
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
    }
}
