/// Why nftables did not do or say what we asked of it.
public struct NFTablesError: Error, Sendable {
    /// What libnftables says, with the place in the commands, perhaps in several lines; or a sentence of ours.
    public let message: String
    /// The kernel's code where it is known, as it is for our own questions: `.notPermitted` where CAP_NET_ADMIN is missing.
    public let code: KernelError.Code?

    /// Pairs a message with a code, if there is one.
    public init(message: String, code: KernelError.Code? = nil) {
        (self.message, self.code) = (message, code)
    }

    /// What the kernel said to a request of ours.
    init(_ error: KernelError) {
        self.init(message: error.description, code: error.code)
    }
}

extension NFTablesError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
