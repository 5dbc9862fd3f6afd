/// What a domain is made of that a person may change: its definition, and an element of its metadata.
public struct EditableDomain: Sendable, Hashable {
    /// The UUID, lower-case with hyphens.
    public let uuid: String
    /// The name.
    public let name: String
    /// The XML and the element of the running domain; `nil` if it does not run.
    public let running: Part?
    /// Those of its definition for the next start; `nil` if it is transient.
    public let defined: Part?

    /// One of the two sides of a domain.
    public struct Part: Sendable, Hashable {
        /// The domain XML (https://libvirt.org/formatdomain.html), without passwords.
        public let xml: String
        /// The element of the metadata, without its namespace; `nil` where there is none.
        public let element: String?

        /// A side from its parts.
        public init(xml: String, element: String?) {
            (self.xml, self.element) = (xml, element)
        }
    }

    /// A domain from its parts.
    public init(uuid: String, name: String, running: Part?, defined: Part?) {
        (self.uuid, self.name, self.running, self.defined) = (uuid, name, running, defined)
    }
}

extension Domain {
    func editable(namespace: String) throws(LibvirtError) -> EditableDomain {
        let isRunning = try isRunning()
        return EditableDomain(
            uuid: uuid, name: name, running: isRunning ? try part(namespace, live: true) : nil,
            defined: try isPersistent() ? try part(namespace, live: false) : nil)
    }

    private func part(_ namespace: String, live: Bool) throws(LibvirtError) -> EditableDomain.Part {
        .init(xml: try xml(inactive: !live), element: try metadata(namespace: namespace, live: live))
    }
}

extension Hypervisor {
    /// All domains that there are, running or only defined, in no order.
    public func allDomains() throws(LibvirtError) -> [DomainReference] {
        try connection().allDomains()
    }

    /// The domains that a person may have meant by a text: the ones with that name, UUID, or number of a run.
    ///
    /// - Parameter namespace: which element of the metadata is wanted.
    public func editableDomains(_ text: String, namespace: String) throws(LibvirtError) -> [EditableDomain] {
        let connection = try connection()
        var found: [EditableDomain] = []
        func add(_ domain: borrowing Domain) throws(LibvirtError) {
            if found.contains(where: { $0.uuid == domain.uuid }) { return }
            found.append(try domain.editable(namespace: namespace))
        }
        if let domain = try connection.domain(named: text) { try add(domain) }
        if let domain = try connection.domain(uuid: text) { try add(domain) }
        if let id = Int32(text), let domain = try connection.domain(id: id) { try add(domain) }
        return found
    }

    /// Writes a domain's definition anew, where it still is what it was when it was looked at. The passwords in it are kept.
    ///
    /// Nothing that this object is asked comes between the look and the change; somebody else's change in that moment is lost, as
    /// it would be with `virsh edit`.
    ///
    /// - Parameters:
    ///   - domain: what it was.
    ///   - edit: makes the new definition of the old one; it is given the one with passwords.
    /// - Returns: `notAllowed` where it is another definition by now.
    /// - Throws: `operationDenied` where the connection is for reading, what the C functions say, and nothing of `edit`'s: it says
    ///   no by `nil`, which changes nothing.
    public func redefine(
        _ domain: EditableDomain, by edit: @Sendable (String) -> String?
    ) throws(LibvirtError) -> MetadataChange {
        let connection = try connection()
        guard let handle = try connection.domain(uuid: domain.uuid), try handle.isPersistent() else { return .noDomain }
        guard try handle.xml(inactive: true) == domain.defined?.xml else { return .notAllowed }
        guard let edited = edit(try handle.xml(inactive: true, secrets: true)) else { return .notAllowed }
        try connection.define(edited)
        return .made
    }

    /// Puts an element into one side of a domain's metadata, or takes it out, where that side's element still is what it was.
    ///
    /// - Parameters:
    ///   - element: the element without a namespace, which libvirt adds; `nil` takes it out.
    ///   - live: whether the running domain is meant, and not its definition.
    public func setMetadata(
        to element: String?, namespace: String, prefix: String, of domain: EditableDomain, live: Bool
    ) throws(LibvirtError) -> MetadataChange {
        guard let handle = try connection().domain(uuid: domain.uuid) else { return .noDomain }
        let old = live ? domain.running?.element : domain.defined?.element
        guard try handle.metadata(namespace: namespace, live: live) == old else { return .notAllowed }
        if element != old {
            try handle.setMetadata(to: element, namespace: namespace, prefix: prefix, live: live, persistent: !live)
        }
        return .made
    }
}
