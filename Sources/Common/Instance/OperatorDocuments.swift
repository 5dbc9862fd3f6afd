/// The operator's documents, which the guest reads unchanged.
package struct OperatorDocuments: Sendable {
    /// The user data, byte for byte; never empty.
    package var userData: [UInt8]?
    /// The vendor data; a text is a document for cloud-init.
    package var vendorData: JSONValue?
    /// The operator's own tree; the members of an object are entries.
    package var additional: Directory?
    /// The JSON object of that tree as the operator wrote it, for documents that hold JSON.
    package var additionalValue: JSONValue?
    /// The files that the guest writes at its first boot, in the operator's order; each is served by its number.
    package var files: [InjectedFile] = []
    package var tags: [Tag] = []
    /// The network configuration that replaces the one derived from the hypervisor's description.
    package var networkConfiguration: PassedNetworkConfiguration?
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

/// The operator's own network configuration: cloud-init's version 2.
package struct PassedNetworkConfiguration: Sendable {
    /// The text that a NoCloud guest reads, byte for byte.
    package let bytes: [UInt8]
    /// As much of it as other documents can say.
    package let links: [GuestLink]

    package init(bytes: [UInt8], links: [GuestLink]) {
        (self.bytes, self.links) = (bytes, links)
    }
}
