package import Common
import Glibc

/// A user of this host (passwd(5)).
package struct HostUser: Sendable, Equatable {
    package let name: String
    /// The user ID; 0 is root.
    package let number: UInt32
    /// The ID of the primary group.
    package let group: UInt32
    let home: String

    /// Whether this process runs as the user.
    package var isOurs: Bool { number == geteuid() }

    /// The owner of a file or, where the file is root's or missing, of its directory; `nil` where both are root's, or the owner is not a
    /// user of this host. For a symbolic link, the owner of the link.
    /// - Throws: `KernelError` where lstat(2) fails.
    package static func owner(ofFile path: String) throws(KernelError) -> HostUser? {
        for path in [path, Directory(of: path).path] {
            var facts = stat()
            // Safe: lstat(2) reads the path up to its zero, and fills one structure.
            guard unsafe lstat(path, &facts) == 0 else {
                let error = KernelError.last(in: "lstat")
                guard error.code == .noSuchEntry else { throw error }
                continue
            }
            if facts.st_uid != 0 { return numbered(facts.st_uid) }
        }
        return nil
    }

    private static func numbered(_ number: uid_t) -> HostUser? {
        // Safe: the answer of getpwuid(3) is copied before any other call can overwrite it.
        guard let entry = unsafe getpwuid(number) else { return nil }
        return unsafe HostUser(
            name: String(cString: entry.pointee.pw_name), number: number, group: entry.pointee.pw_gid,
            home: String(cString: entry.pointee.pw_dir))
    }

    /// Looks a user up by name; `nil` where there is none.
    /// - Throws: `KernelError` where getpwnam(3) fails.
    package static func named(_ name: String) throws(KernelError) -> HostUser? {
        errno = 0
        // Safe: getpwnam(3) reads the name up to its zero, and its answer is copied before any other call can overwrite it.
        guard let entry = unsafe getpwnam(name) else {
            // The codes that the manual names for "not found".
            guard ![0, ENOENT, ESRCH, EBADF, EPERM].contains(errno) else { return nil }
            throw .last(in: "getpwnam")
        }
        return unsafe HostUser(
            name: name, number: entry.pointee.pw_uid, group: entry.pointee.pw_gid, home: String(cString: entry.pointee.pw_dir))
    }
}

extension HostUser {
    /// Makes the user the owner of a directory of virt-metadata: a missing directory is created for the user alone; in a directory of root's,
    /// the files of these names are given to the user, and so is the directory if it contains nothing else.
    ///
    /// A file with a second name is not changed: a user who could write in the directory before may have linked it there.
    ///
    /// - Throws: `KernelError` with the code of mkdir(2), open(2), fdopendir(3), fstat(2) or fchown(2); `.symbolicLink` where a link on the
    ///   path is not root's, because its owner would choose which directory the user gets.
    package func take(_ directory: String, files: Set<String>) throws(KernelError) {
        let descriptor = try Directory(path: directory).opened(making: 0o700)
        defer { close(descriptor) }
        for file in files { try take(file, in: descriptor) }
        guard try Directory.names(in: descriptor).isSubset(of: files) else { return }
        try changeOwnerFromRoot(descriptor) { _ in true }
    }

    private func take(_ file: String, in directory: Int32) throws(KernelError) {
        // Safe: openat(2) reads the name up to its zero. A symbolic link is never a file of virt-metadata.
        let descriptor = unsafe openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try changeOwnerFromRoot(descriptor) { $0.st_mode & S_IFMT == S_IFREG && $0.st_nlink == 1 }
    }

    private func changeOwnerFromRoot(_ descriptor: Int32, where isEligible: (stat) -> Bool) throws(KernelError) {
        var facts = stat()
        // Safe: fstat(2) fills one structure.
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .last(in: "fstat") }
        guard facts.st_uid == 0, isEligible(facts) else { return }
        guard fchown(descriptor, number, group) == 0 else { throw .last(in: "fchown") }
    }
}
