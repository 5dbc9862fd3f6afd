package import Common

/// The parts of a domain that the operator may change: its definition, and an element of its metadata.
package struct EditableDomain: Sendable, Hashable {
    package let uuid: InstanceUUID
    package let name: String
    /// The XML and the element of the running domain; `nil` if it does not run.
    package let running: Part?
    /// The XML and the element of its definition for the next start; `nil` if it is transient.
    package let defined: Part?

    /// Either the running domain or its definition.
    package struct Part: Sendable, Hashable {
        /// The domain XML (https://libvirt.org/formatdomain.html), without passwords.
        package let xml: String
        /// The element of the metadata, without its namespace; `nil` where there is none.
        package let element: String?

        package init(xml: String, element: String?) {
            (self.xml, self.element) = (xml, element)
        }
    }

    package init(uuid: InstanceUUID, name: String, running: Part?, defined: Part?) {
        (self.uuid, self.name, self.running, self.defined) = (uuid, name, running, defined)
    }
}

extension Domain {
    func editable(namespace: String) throws(LibvirtError) -> EditableDomain {
        let isRunning = try isRunning()
        return EditableDomain(
            uuid: try uuid(), name: name, running: isRunning ? try part(namespace, live: true) : nil,
            defined: try isPersistent() ? try part(namespace, live: false) : nil)
    }

    private func part(_ namespace: String, live: Bool) throws(LibvirtError) -> EditableDomain.Part {
        .init(xml: try xml(inactive: !live), element: try metadata(namespace: namespace, live: live))
    }
}

extension Hypervisor {
    /// All domains, running or only defined, in no order.
    package func allDomains() throws(LibvirtError) -> [DomainReference] {
        try answer(to: .allDomains) { connection throws(LibvirtError) in try connection.allDomains() }
    }

    /// The domains that match an operator's argument: a UUID, a name, or an ID.
    ///
    /// - Parameter namespace: the namespace of the wanted metadata element.
    package func editableDomains(_ text: String, namespace: String) throws(LibvirtError) -> [EditableDomain] {
        let connection = try connection()
        // A domain whose name is another's UUID neither precedes it nor makes the argument ambiguous.
        if let uuid = InstanceUUID(text), let domain = try connection.domain(uuid: uuid) {
            return [try domain.editable(namespace: namespace)]
        }
        if let domain = try connection.domain(named: text) { return [try domain.editable(namespace: namespace)] }
        if let id = Int32(text), let domain = try connection.domain(id: id) { return [try domain.editable(namespace: namespace)] }
        return []
    }

    /// Replaces a domain's definition, if it has not changed since it was read. The passwords in it are kept.
    ///
    /// No other call of this actor runs between the comparison and the change; another program's change in that moment is lost, as
    /// with `virsh edit`.
    ///
    /// - Parameters:
    ///   - domain: the domain as it was read.
    ///   - edit: returns the new definition for the old one, which includes passwords; `nil` to change nothing.
    /// - Returns: `notAllowed` where the definition has changed since.
    /// - Throws: `operationDenied` where the connection is read-only, and the errors of the C functions.
    package func redefine(
        _ domain: EditableDomain, by edit: @Sendable (String) -> String?
    ) throws(LibvirtError) -> MetadataChange {
        let connection = try connection()
        guard let handle = try connection.domain(uuid: domain.uuid), try handle.isPersistent() else { return .noDomain }
        guard try handle.xml(inactive: true) == domain.defined?.xml else { return .notAllowed }
        guard let edited = edit(try handle.xml(inactive: true, secrets: true)) else { return .notAllowed }
        try connection.define(edited)
        return .made
    }

    /// Writes or removes a metadata element of the running domain or of its definition, if the element has not changed since it was read.
    ///
    /// - Parameters:
    ///   - element: the element without a namespace, which libvirt adds; `nil` removes it.
    ///   - live: whether to change the running domain, not its definition.
    package func setMetadata(
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

    // MARK: Restarting

    /// Asks a domain's guest to shut down, and returns at once; a guest may ignore it.
    ///
    /// - Throws: `noDomain` where it no longer exists, and the errors of the C functions.
    package func shutDown(_ domain: EditableDomain) throws(LibvirtError) {
        try handle(of: domain).shutDown()
    }

    /// Starts a domain that does not run, by its definition.
    ///
    /// - Throws: As `shutDown` does.
    package func start(_ domain: EditableDomain) throws(LibvirtError) {
        try handle(of: domain).start()
    }

    /// Whether a domain runs.
    ///
    /// - Throws: As `shutDown` does.
    package func isRunning(_ domain: EditableDomain) throws(LibvirtError) -> Bool {
        try handle(of: domain).isRunning()
    }

    private func handle(of domain: EditableDomain) throws(LibvirtError) -> Domain {
        guard let handle = try connection().domain(uuid: domain.uuid) else {
            throw LibvirtError(code: .noDomain, function: "virDomainLookupByUUID", message: "the domain no longer exists")
        }
        return handle
    }
}
