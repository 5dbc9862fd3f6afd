import Glibc

/// A user of this host (passwd(5)).
public struct HostUser: Sendable, Equatable {
    /// What it is called.
    public let name: String
    /// Its number; 0 is root.
    public let number: UInt32
    /// Its first group.
    public let group: UInt32
    let home: String

    /// Whether it is the one that this process acts as.
    public var isOurs: Bool { number == geteuid() }

    /// Looks it up by its name; `nil` where there is none of it.
    /// - Throws: `KernelError` where that cannot be told.
    public static func named(_ name: String) throws(KernelError) -> HostUser? {
        errno = 0
        // Safe: getpwnam(3) reads the name up to its zero, and its answer is copied before anything else can ask.
        guard let entry = unsafe getpwnam(name) else {
            // The codes that its manual names for "there is none".
            guard ![0, ENOENT, ESRCH, EBADF, EPERM].contains(errno) else { return nil }
            throw .last(in: "getpwnam")
        }
        return unsafe HostUser(
            name: name, number: entry.pointee.pw_uid, group: entry.pointee.pw_gid, home: String(cString: entry.pointee.pw_dir))
    }
}

extension HostUser {
    /// Gives it a directory of ours: one that is not there is made for it alone, in one that is root's the files of these names become
    /// its own, and so does the directory where nothing else is in it.
    ///
    /// A file that has a second name is left alone: whoever could write in the directory before may have put it there.
    /// - Throws: `KernelError` with the code of mkdir(2), open(2), opendir(3), fstat(2) or fchown(2).
    public func take(_ directory: String, files: Set<String>) throws(KernelError) {
        try Directory(path: directory).make(0o700)
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        for file in files { try take(file, in: descriptor) }
        guard try Directory(path: directory).names().isSubset(of: files) else { return }
        try takeFromRoot(descriptor) { _ in true }
    }

    private func take(_ file: String, in directory: Int32) throws(KernelError) {
        // Safe: openat(2) reads the name up to its zero. A link is none of ours.
        let descriptor = unsafe openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try takeFromRoot(descriptor) { $0.st_mode & S_IFMT == S_IFREG && $0.st_nlink == 1 }
    }

    private func takeFromRoot(_ descriptor: Int32, where isOurs: (stat) -> Bool) throws(KernelError) {
        var facts = stat()
        // Safe: fstat(2) fills one structure.
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .last(in: "fstat") }
        guard facts.st_uid == 0, isOurs(facts) else { return }
        guard fchown(descriptor, number, group) == 0 else { throw .last(in: "fchown") }
    }
}
