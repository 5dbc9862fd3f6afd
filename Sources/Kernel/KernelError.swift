import Glibc

/// Why the kernel did not do or say what we asked of it.
public struct KernelError: Error, Sendable, Equatable {
    /// A number of `errno(3)`.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The number as `<errno.h>` has it, positive.
        public let rawValue: Int32

        /// Takes the number as `<errno.h>` has it.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The kernel has no such entry: ENOENT.
        public static let noSuchEntry = Code(rawValue: ENOENT)
        /// No link has that index or name: ENODEV.
        public static let noSuchDevice = Code(rawValue: ENODEV)
        /// No link has that index: ENXIO.
        public static let noSuchAddress = Code(rawValue: ENXIO)
        /// No route leads there: ENETUNREACH.
        public static let networkUnreachable = Code(rawValue: ENETUNREACH)
        /// A route says that nothing leads there: EHOSTUNREACH.
        public static let hostUnreachable = Code(rawValue: EHOSTUNREACH)
        /// No answer within the time set on a socket: EAGAIN.
        public static let noAnswer = Code(rawValue: EAGAIN)
        /// A signal came first: EINTR.
        public static let interrupted = Code(rawValue: EINTR)
        /// The answer breaks its own format: EBADMSG.
        public static let malformedAnswer = Code(rawValue: EBADMSG)
        /// The answer is well formed but answers something else: EPROTO.
        public static let foreignAnswer = Code(rawValue: EPROTO)
        /// The answer is longer than we have room for: EMSGSIZE.
        public static let answerTooLong = Code(rawValue: EMSGSIZE)
        /// The kernel dropped answers for want of memory: ENOBUFS.
        public static let answersLost = Code(rawValue: ENOBUFS)
        /// An argument the kernel does not take: EINVAL.
        public static let invalidArgument = Code(rawValue: EINVAL)
        /// A file is longer than we read: EFBIG.
        public static let fileTooBig = Code(rawValue: EFBIG)
        /// We lack the right: EPERM.
        public static let notPermitted = Code(rawValue: EPERM)
        /// It is there already: EEXIST.
        public static let alreadyThere = Code(rawValue: EEXIST)
        /// Access is refused, as for an IPv6 address where IPv6 is disabled: EACCES.
        public static let accessDenied = Code(rawValue: EACCES)
        /// No such address is there to be used or removed: EADDRNOTAVAIL.
        public static let addressNotAvailable = Code(rawValue: EADDRNOTAVAIL)
        /// The kernel, or this kind of link, cannot do that: EOPNOTSUPP.
        public static let notSupported = Code(rawValue: EOPNOTSUPP)
        /// Another holds it: EWOULDBLOCK of `flock(2)`, the same number as `noAnswer`.
        public static let heldByAnother = Code(rawValue: EWOULDBLOCK)
        /// This process has too many files open: EMFILE.
        public static let tooManyFiles = Code(rawValue: EMFILE)
        /// There is no memory for it: ENOMEM.
        public static let outOfMemory = Code(rawValue: ENOMEM)
    }

    /// What went wrong.
    public let code: Code
    /// The system call or the netlink request that failed, as its manual spells it: `getsockopt(TCP_SAVED_SYN)`, `RTM_GETNEIGH`.
    public let operation: String

    /// Pairs a code with the operation that gave it.
    public init(_ code: Code, in operation: String) {
        (self.code, self.operation) = (code, operation)
    }

    /// What the C library says about the code, in English.
    public var message: String {
        // Safe: strerror(3) of glibc 2.32 and newer returns a string that lives as long as its thread and never NULL.
        guard let text = unsafe strerror(code.rawValue) else { return "error \(code.rawValue)" }
        return unsafe String(cString: text)
    }

    /// The error of the call that just failed; to be made before anything else can touch `errno`.
    static func last(in operation: String) -> KernelError {
        KernelError(Code(rawValue: errno), in: operation)
    }
}

extension KernelError: CustomStringConvertible {
    /// The operation and the message.
    public var description: String { "\(operation): \(message)" }
}
