import Glibc

/// A failed system call or netlink request.
package struct KernelError: Error, Sendable, Equatable {
    /// A number of `errno(3)`.
    package struct Code: RawRepresentable, Sendable, Hashable {
        /// The positive number in `<errno.h>`.
        package let rawValue: Int32

        package init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// ENOENT: the kernel has no such entry.
        package static let noSuchEntry = Code(rawValue: ENOENT)
        /// ENODEV: no link has that index or name.
        package static let noSuchDevice = Code(rawValue: ENODEV)
        /// ENXIO: no link has that index.
        package static let noSuchAddress = Code(rawValue: ENXIO)
        /// ENETUNREACH: there is no route.
        package static let networkUnreachable = Code(rawValue: ENETUNREACH)
        /// EHOSTUNREACH: a route rejects the destination.
        package static let hostUnreachable = Code(rawValue: EHOSTUNREACH)
        /// EAGAIN: no reply within the socket's timeout.
        package static let noAnswer = Code(rawValue: EAGAIN)
        /// EINTR: interrupted by a signal.
        package static let interrupted = Code(rawValue: EINTR)
        /// EBADMSG: the reply is malformed.
        package static let malformedAnswer = Code(rawValue: EBADMSG)
        /// EPROTO: the reply is well formed but answers another request.
        package static let foreignAnswer = Code(rawValue: EPROTO)
        /// EMSGSIZE: the reply is longer than the buffer.
        package static let answerTooLong = Code(rawValue: EMSGSIZE)
        /// ENOBUFS: the kernel dropped replies because the receive buffer was full.
        package static let answersLost = Code(rawValue: ENOBUFS)
        /// EINVAL: the kernel rejects an argument.
        package static let invalidArgument = Code(rawValue: EINVAL)
        /// EFBIG: the file is longer than the limit.
        package static let fileTooBig = Code(rawValue: EFBIG)
        /// EPERM: permission denied.
        package static let notPermitted = Code(rawValue: EPERM)
        /// EEXIST: it already exists.
        package static let alreadyThere = Code(rawValue: EEXIST)
        /// EACCES: access denied, as for an IPv6 address where IPv6 is disabled.
        package static let accessDenied = Code(rawValue: EACCES)
        /// EADDRNOTAVAIL: there is no such address to use or remove.
        package static let addressNotAvailable = Code(rawValue: EADDRNOTAVAIL)
        /// EOPNOTSUPP: the kernel, or this type of link, does not support the operation.
        package static let notSupported = Code(rawValue: EOPNOTSUPP)
        /// EWOULDBLOCK of `flock(2)`, the same number as `noAnswer`: another process holds the lock.
        package static let heldByAnother = Code(rawValue: EWOULDBLOCK)
        /// EMFILE: this process has too many open files.
        package static let tooManyFiles = Code(rawValue: EMFILE)
        /// ELOOP: the path contains a symbolic link.
        package static let symbolicLink = Code(rawValue: ELOOP)
        /// ETIMEDOUT: nothing was written into a FIFO in the time.
        package static let noWriter = Code(rawValue: ETIMEDOUT)
        /// ENXIO of `open(2)`, the same number as `noSuchAddress`: nobody reads a FIFO.
        package static let noReader = Code(rawValue: ENXIO)
        /// ENOMEM: out of memory.
        package static let outOfMemory = Code(rawValue: ENOMEM)
    }

    package let code: Code
    /// The system call or the netlink request that failed, as its manual spells it: `getsockopt(TCP_SAVED_SYN)`, `RTM_GETNEIGH`.
    package let operation: String

    package init(_ code: Code, in operation: String) {
        (self.code, self.operation) = (code, operation)
    }

    /// The C library's message for the code, in English.
    package var message: String {
        // Safe: strerror(3) of glibc 2.32 and newer returns a string that lives as long as its thread and never NULL.
        guard let text = unsafe strerror(code.rawValue) else { return "error \(code.rawValue)" }
        return unsafe String(cString: text)
    }

    /// The error of the last call; must be read before another call changes `errno`.
    package static func last(in operation: String) -> KernelError {
        KernelError(Code(rawValue: errno), in: operation)
    }
}

extension KernelError: CustomStringConvertible {
    package var description: String { "\(operation): \(message)" }
}
