import CLibvirt
import Glibc

/// A failed call of libvirt: the error code, the C function, and libvirt's message.
package struct LibvirtError: Error, Sendable, Equatable {
    /// A `virErrorNumber` of `libvirt/virterror.h`; a newer libvirt may have codes without a name here.
    package struct Code: RawRepresentable, Sendable, Hashable {
        package let rawValue: Int32

        package init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        init(_ number: virErrorNumber) {
            self.init(rawValue: Int32(bitPattern: number.rawValue))
        }
    }

    package let code: Code
    /// The C function that failed, such as `virConnectOpenReadOnly`.
    package let function: String
    /// libvirt's message, for the operator; not for comparison.
    package let message: String
    /// The `errno(3)` of a `.systemError`; `nil` for any other code.
    package let systemCode: Int32?

    package init(code: Code, function: String, message: String, systemCode: Int32? = nil) {
        (self.code, self.function, self.message, self.systemCode) = (code, function, message, systemCode)
    }

    /// Whether libvirt denies the call to this user or on this connection, or the kernel denies access to the socket.
    package var isDenied: Bool {
        [Code.authFailed, .authUnavailable, .accessDenied, .operationDenied].contains(code)
            || systemCode == EACCES || systemCode == EPERM
    }

    /// Whether no daemon listens at the socket.
    package var isAway: Bool { systemCode == ENOENT || systemCode == ECONNREFUSED }

    /// The error of this thread's latest call; the same synchronous function must have made that call.
    static func last(_ function: String) -> LibvirtError {
        // Safe: the pointer is to this thread's own record, which is valid until this thread's next call; everything is copied here.
        guard let last = unsafe virGetLastError() else {
            return LibvirtError(code: .internalError, function: function, message: "libvirt gave no reason")
        }
        let message = unsafe last.pointee.message.map { unsafe String(cString: $0) }
        let code = unsafe Code(rawValue: last.pointee.code)
        // virReportSystemError() stores errno there; other codes use the field otherwise.
        let number = unsafe code == .systemError && last.pointee.int1 > 0 ? last.pointee.int1 : nil
        return LibvirtError(code: code, function: function, message: message ?? "libvirt gave no message", systemCode: number)
    }
}

extension LibvirtError: CustomStringConvertible {
    /// `FUNCTION: MESSAGE (error NUMBER)`.
    package var description: String { "\(function): \(message) (error \(code.rawValue))" }
}

extension LibvirtError.Code {
    /// An error in libvirt or in the daemon; often also the error of a lost connection.
    package static let internalError = Self(VIR_ERR_INTERNAL_ERROR)
    /// The driver has no such function.
    package static let noSupport = Self(VIR_ERR_NO_SUPPORT)
    /// No driver accepts the URI, or its hypervisor cannot be reached.
    package static let noConnect = Self(VIR_ERR_NO_CONNECT)
    /// There is no connection; also thrown here before `connect()` and after `disconnect()`.
    package static let invalidConnection = Self(VIR_ERR_INVALID_CONN)
    /// An argument was refused, such as an invalid UUID.
    package static let invalidArgument = Self(VIR_ERR_INVALID_ARG)
    /// The hypervisor could not execute the operation.
    package static let operationFailed = Self(VIR_ERR_OPERATION_FAILED)
    /// libvirt could not parse the XML.
    package static let xmlError = Self(VIR_ERR_XML_ERROR)
    /// Not allowed on a read-only connection.
    package static let operationDenied = Self(VIR_ERR_OPERATION_DENIED)
    /// A system call failed; also the error of a refused or missing socket.
    package static let systemError = Self(VIR_ERR_SYSTEM_ERROR)
    /// The communication with the daemon failed.
    package static let rpc = Self(VIR_ERR_RPC)
    /// The domain does not exist, or no longer.
    package static let noDomain = Self(VIR_ERR_NO_DOMAIN)
    /// The domain has no metadata in that namespace.
    package static let noDomainMetadata = Self(VIR_ERR_NO_DOMAIN_METADATA)
    /// The network does not exist, or no longer.
    package static let noNetwork = Self(VIR_ERR_NO_NETWORK)
    /// The daemon did not accept this user.
    package static let authFailed = Self(VIR_ERR_AUTH_FAILED)
    /// The operation does not fit the object's state, such as one for running domains on a shut-off one.
    package static let operationInvalid = Self(VIR_ERR_OPERATION_INVALID)
    /// A timeout; also thrown here when a connection could not be opened in time.
    package static let operationTimeout = Self(VIR_ERR_OPERATION_TIMEOUT)
    /// The driver has the function, but not for these arguments.
    package static let argumentUnsupported = Self(VIR_ERR_ARGUMENT_UNSUPPORTED)
    /// No agent can authenticate this user, such as polkit's.
    package static let authUnavailable = Self(VIR_ERR_AUTH_UNAVAILABLE)
    /// The daemon's access rules forbid this.
    package static let accessDenied = Self(VIR_ERR_ACCESS_DENIED)
}
