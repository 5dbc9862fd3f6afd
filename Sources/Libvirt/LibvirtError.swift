import CLibvirt

/// A call of libvirt that failed: what kind of failure, which C function, and libvirt's own words.
public struct LibvirtError: Error, Sendable, Equatable {
    /// The kind of a failure, numbered as `virErrorNumber` in `libvirt/virterror.h`; a newer libvirt may have numbers that are
    /// not named here.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// libvirt's number.
        public let rawValue: Int32

        /// Takes any number, named here or not.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ number: virErrorNumber) {
            self.init(rawValue: Int32(bitPattern: number.rawValue))
        }
    }

    /// What kind of failure this is.
    public let code: Code
    /// The C function that failed, such as `virConnectOpenReadOnly`.
    public let function: String
    /// libvirt's message, for an operator to read; not meant for comparing.
    public let message: String

    /// A failure from its parts.
    public init(code: Code, function: String, message: String) {
        (self.code, self.function, self.message) = (code, function, message)
    }

    /// Whether libvirt does not let this user do it, or not over this connection.
    public var isDenied: Bool {
        // A socket that keeps a user out says so in words alone.
        [Code.authFailed, .authUnavailable, .accessDenied, .operationDenied].contains(code)
            || message.contains("Permission denied")
    }

    /// The failure that this thread's latest call left behind; the same synchronous function must have made that call.
    static func last(_ function: String) -> LibvirtError {
        // Safe: the pointer is to this thread's own record, which stays until this thread's next call; all is copied here.
        guard let last = unsafe virGetLastError() else {
            return LibvirtError(code: .internalError, function: function, message: "libvirt gave no reason")
        }
        let message = unsafe last.pointee.message.map { unsafe String(cString: $0) }
        let code = unsafe Code(rawValue: last.pointee.code)
        return LibvirtError(code: code, function: function, message: message ?? "libvirt gave no message")
    }
}

extension LibvirtError: CustomStringConvertible {
    /// `FUNCTION: MESSAGE (error NUMBER)`.
    public var description: String { "\(function): \(message) (error \(code.rawValue))" }
}

extension LibvirtError.Code {
    /// Something in libvirt or in the daemon went wrong; also what an ended connection often says.
    public static let internalError = Self(VIR_ERR_INTERNAL_ERROR)
    /// The driver has no such function.
    public static let noSupport = Self(VIR_ERR_NO_SUPPORT)
    /// No driver accepts the URI, or its hypervisor cannot be reached.
    public static let noConnect = Self(VIR_ERR_NO_CONNECT)
    /// There is no connection; also what this room says before `connect()` and after `disconnect()`.
    public static let invalidConnection = Self(VIR_ERR_INVALID_CONN)
    /// An argument was refused, such as a text that is no UUID.
    public static let invalidArgument = Self(VIR_ERR_INVALID_ARG)
    /// The hypervisor did not do what it was asked.
    public static let operationFailed = Self(VIR_ERR_OPERATION_FAILED)
    /// XML that libvirt could not read.
    public static let xmlError = Self(VIR_ERR_XML_ERROR)
    /// A read-only connection may not do this.
    public static let operationDenied = Self(VIR_ERR_OPERATION_DENIED)
    /// A call of the operating system failed; a refused or missing socket says this.
    public static let systemError = Self(VIR_ERR_SYSTEM_ERROR)
    /// The conversation with the daemon failed.
    public static let rpc = Self(VIR_ERR_RPC)
    /// There is no such domain, or no longer.
    public static let noDomain = Self(VIR_ERR_NO_DOMAIN)
    /// The domain has no metadata in that namespace.
    public static let noDomainMetadata = Self(VIR_ERR_NO_DOMAIN_METADATA)
    /// There is no such network, or no longer.
    public static let noNetwork = Self(VIR_ERR_NO_NETWORK)
    /// The daemon did not accept who we are.
    public static let authFailed = Self(VIR_ERR_AUTH_FAILED)
    /// The operation does not fit the object's state, such as one for running domains on a shut-off one.
    public static let operationInvalid = Self(VIR_ERR_OPERATION_INVALID)
    /// Something took too long; also what this room says when a connection could not be opened in time.
    public static let operationTimeout = Self(VIR_ERR_OPERATION_TIMEOUT)
    /// The driver has the function, but not for these arguments.
    public static let argumentUnsupported = Self(VIR_ERR_ARGUMENT_UNSUPPORTED)
    /// There is nobody to ask who we are, such as no polkit agent.
    public static let authUnavailable = Self(VIR_ERR_AUTH_UNAVAILABLE)
    /// The daemon's access rules forbid this.
    public static let accessDenied = Self(VIR_ERR_ACCESS_DENIED)
}
