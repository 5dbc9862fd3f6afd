import Common
import Glibc

/// Options of sockets whose value is a number (setsockopt(2)).
enum SocketOption {
    /// - Parameter name: of the option, for the error.
    /// - Throws: `KernelError` with the code of `setsockopt(2)`.
    static func set(
        _ option: Int32, of level: Int32, to value: Int32, on descriptor: Int32, _ name: StaticString
    ) throws(KernelError) {
        var value = value
        // Safe: setsockopt(2) reads four bytes and keeps no pointer.
        guard unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last(in: "setsockopt(\(name))")
        }
    }
}
