/// The operator's documents, which the guest reads unchanged.
package struct OperatorDocuments: Sendable {
    /// The user data, byte for byte; never empty.
    package var userData: [UInt8]?
    /// The vendor data.
    package var vendorData: JSONValue?
    /// The operator's own tree; the members of an object are entries.
    package var additional: Directory?
    /// The files that the guest writes at its first boot, in the operator's order; each is served by its number.
    package var files: [InjectedFile] = []
    package var tags: [Tag] = []
    /// The texts of elements that are served unchanged, by the element's path, such as `services/domain`.
    package var verbatim: [String: String] = [:]

    package init() {}
}

/// A file that the guest is to write at its first boot.
package struct InjectedFile: Sendable, Equatable {
    /// The path in the guest.
    package let path: String
    /// The bytes of the file, possibly empty.
    package let content: [UInt8]

    package init(path: String, content: [UInt8]) {
        (self.path, self.content) = (path, content)
    }
}
