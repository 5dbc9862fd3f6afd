package import Common

/// Why nftables did not run a command or answer a query.
package struct NFTablesError: Error, Sendable {
    /// What libnftables reports, with the line and column in the commands, perhaps in several lines; or a message of this module.
    package let message: String
    /// The kernel's code where it is known, as for this module's own queries: `.notPermitted` where CAP_NET_ADMIN is missing.
    package let code: KernelError.Code?

    package init(message: String, code: KernelError.Code? = nil) {
        (self.message, self.code) = (message, code)
    }

    package init(_ error: KernelError) {
        self.init(message: error.description, code: error.code)
    }
}

extension NFTablesError: CustomStringConvertible {
    package var description: String { message }
}
