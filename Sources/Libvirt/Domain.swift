import CLibvirt
package import Common

/// The name and UUID of a domain.
package struct DomainReference: Sendable, Hashable {
    package let uuid: InstanceUUID
    /// The name; it can change, the UUID cannot.
    package let name: String

    package init(uuid: InstanceUUID, name: String) {
        (self.uuid, self.name) = (uuid, name)
    }
}

/// libvirt's description of a domain at one moment.
package struct DomainDescription: Sendable, Hashable {
    package let uuid: InstanceUUID
    /// The name; it can change, the UUID cannot.
    package let name: String
    /// Whether the domain runs; a paused domain does.
    package let isRunning: Bool
    /// Whether it is paused, as on the destination host of a migration until the migration ends.
    package let isPaused: Bool
    /// The current domain XML (https://libvirt.org/formatdomain.html); of a domain that does not run, the XML for its next start.
    package let liveXML: String
    /// The domain XML for the next start, with pending edits; only where it was requested and the domain is persistent.
    package let inactiveXML: String?

    package init(
        uuid: InstanceUUID, name: String, isRunning: Bool, isPaused: Bool, liveXML: String, inactiveXML: String?
    ) {
        (self.uuid, self.name, self.isRunning, self.isPaused) = (uuid, name, isRunning, isPaused)
        (self.liveXML, self.inactiveXML) = (liveXML, inactiveXML)
    }
}

/// The outcome of a change of a domain's metadata.
package enum MetadataChange: Sendable, Hashable {
    /// libvirt has confirmed it.
    case made
    /// The present element did not allow it; nothing was changed.
    case notAllowed
    /// The domain does not exist, or no longer.
    case noDomain
}

/// A handle of a domain.
// Safe: the pointer is the one reference that a lookup returned; it is private, not copied, and freed once.
@safe struct Domain: ~Copyable {
    private let pointer: virDomainPtr

    /// Takes ownership of a reference that libvirt returned.
    init(owning pointer: virDomainPtr) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe virDomainFree(pointer)
    }

    /// Makes no call to the daemon.
    func uuid() throws(LibvirtError) -> InstanceUUID {
        guard let uuid = unsafe Self.uuid(of: pointer) else { throw .last("virDomainGetUUID") }
        return uuid
    }

    /// Makes no call to the daemon.
    var name: String {
        unsafe virDomainGetName(pointer).map { unsafe String(cString: $0) } ?? ""
    }

    func isRunning() throws(LibvirtError) -> Bool {
        let answer = unsafe virDomainIsActive(pointer)
        guard answer >= 0 else { throw .last("virDomainIsActive") }
        return answer == 1
    }

    /// Whether a domain in this state has a guest. One that has shut down is active until libvirt has ended its QEMU, which may take long; its tap may
    /// be another's by then.
    static func hasGuest(_ state: virDomainState) -> Bool { state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_SHUTDOWN }

    private func state() throws(LibvirtError) -> virDomainState {
        var state: Int32 = 0
        // Safe: by the manual the reason may be NULL, and there are no flags.
        guard unsafe virDomainGetState(pointer, &state, nil, 0) == 0 else { throw .last("virDomainGetState") }
        return virDomainState(UInt32(bitPattern: state))
    }

    func isPersistent() throws(LibvirtError) -> Bool {
        let answer = unsafe virDomainIsPersistent(pointer)
        guard answer >= 0 else { throw .last("virDomainIsPersistent") }
        return answer == 1
    }

    /// The current XML, or the one for the next start; of a domain that does not run the two are the same.
    ///
    /// - Parameter secrets: whether to include passwords, which needs a connection that can write.
    func xml(inactive: Bool, secrets: Bool = false) throws(LibvirtError) -> String {
        let flags = (inactive ? VIR_DOMAIN_XML_INACTIVE.rawValue : 0) | (secrets ? VIR_DOMAIN_XML_SECURE.rawValue : 0)
        guard let text = unsafe virDomainGetXMLDesc(pointer, flags) else { throw .last("virDomainGetXMLDesc") }
        return unsafe String(adopting: text)
    }

    /// Describes the domain in two calls to the daemon, or four with the XML for the next start: a call is several messages, and
    /// each wakes three threads.
    func describe(edited: Bool) throws(LibvirtError) -> DomainDescription {
        let liveXML = try xml(inactive: false)
        let startsAgain = edited ? try isPersistent() : false
        let inactiveXML = startsAgain ? try xml(inactive: true) : nil
        // Queried last, because the domain may have stopped since the lookup.
        let state = try state()
        return DomainDescription(
            uuid: try uuid(), name: name, isRunning: ranAtLookup && Self.hasGuest(state),
            isPaused: state == VIR_DOMAIN_PAUSED, liveXML: liveXML, inactiveXML: inactiveXML)
    }

    /// Describes the domain if it runs. That it does not run is known even if its definition cannot be read, because it is larger than a
    /// message of libvirt, for example.
    func describeRunning(edited: Bool) throws(LibvirtError) -> DomainDescription? {
        guard ranAtLookup else { return nil }
        do throws(LibvirtError) {
            let description = try describe(edited: edited)
            return description.isRunning ? description : nil
        } catch {
            // It may have stopped since the lookup.
            guard try isRunning() else { return nil }
            throw error
        }
    }

    /// Whether the domain ran when it was looked up: its handle has an ID then. Makes no call to the daemon.
    private var ranAtLookup: Bool { unsafe virDomainGetID(pointer) != UInt32.max }

    /// Asks the guest to shut down, and returns at once; a guest may ignore it.
    func shutDown() throws(LibvirtError) {
        guard unsafe virDomainShutdown(pointer) == 0 else { throw .last("virDomainShutdown") }
    }

    /// Starts the domain by its definition.
    func start() throws(LibvirtError) {
        guard unsafe virDomainCreate(pointer) == 0 else { throw .last("virDomainCreate") }
    }

    /// The element of the metadata that is in a namespace, without the namespace; `nil` where there is none.
    func metadata(namespace: String, live: Bool) throws(LibvirtError) -> String? {
        let flags = (live ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG).rawValue
        let kind = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
        guard let text = unsafe virDomainGetMetadata(pointer, kind, namespace, flags) else {
            let error = LibvirtError.last("virDomainGetMetadata")
            guard error.code == .noDomainMetadata else { throw error }
            return nil
        }
        return unsafe String(adopting: text)
    }

    /// Writes an element of the metadata, or removes it if it exists.
    func setMetadata(
        to element: String?, namespace: String, prefix: String, live: Bool, persistent: Bool
    ) throws(LibvirtError) {
        let flags = (live ? VIR_DOMAIN_AFFECT_LIVE.rawValue : 0) | (persistent ? VIR_DOMAIN_AFFECT_CONFIG.rawValue : 0)
        let kind = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
        guard unsafe virDomainSetMetadata(pointer, kind, element, prefix, namespace, flags) == 0 else {
            throw .last("virDomainSetMetadata")
        }
    }

    /// The UUID of a domain that libvirt owns, as in a callback.
    static func uuid(of pointer: virDomainPtr) -> InstanceUUID? {
        var octets = [UInt8](repeating: 0, count: Int(VIR_UUID_BUFLEN))
        // Safe: by the manual the function writes VIR_UUID_BUFLEN bytes.
        guard unsafe virDomainGetUUID(pointer, &octets) == 0 else { return nil }
        return InstanceUUID(octets: octets)
    }
}

extension Connection {
    /// All domains, running or only defined.
    func allDomains() throws(LibvirtError) -> [DomainReference] {
        try domains(VIR_CONNECT_LIST_DOMAINS_ACTIVE.rawValue | VIR_CONNECT_LIST_DOMAINS_INACTIVE.rawValue)
    }

    /// All running domains, including paused ones.
    func runningDomains() throws(LibvirtError) -> [DomainReference] {
        try domains(VIR_CONNECT_LIST_DOMAINS_ACTIVE.rawValue)
    }

    private func domains(_ flags: UInt32) throws(LibvirtError) -> [DomainReference] {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            var list: UnsafeMutablePointer<virDomainPtr?>?
            let count = unsafe virConnectListAllDomains(pointer, &list, flags)
            guard count >= 0 else { throw .last("virConnectListAllDomains") }
            // Name and UUID are copied from the handle, which always has both.
            return unsafe adopted(list, count: count) { pointer in
                let domain = unsafe Domain(owning: pointer)
                return (try? domain.uuid()).map { DomainReference(uuid: $0, name: domain.name) }
            }.compactMap(\.self)
        }
    }

    /// Replaces the definition of the domain with the XML's name and UUID.
    func define(_ xml: String) throws(LibvirtError) {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            guard let defined = unsafe virDomainDefineXML(pointer, xml) else { throw .last("virDomainDefineXML") }
            // Safe: this is the one reference that defining returned.
            unsafe virDomainFree(defined)
        }
    }

    /// The domain with a UUID; `nil` if there is none.
    func domain(uuid: InstanceUUID) throws(LibvirtError) -> Domain? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            // Safe: the function reads VIR_UUID_BUFLEN bytes, the length of the array.
            if let domain = unsafe virDomainLookupByUUID(pointer, uuid.octets) { return unsafe Domain(owning: domain) }
            let error = LibvirtError.last("virDomainLookupByUUID")
            guard error.code == .noDomain else { throw error }
            return nil
        }
    }

    /// The domain with a name; `nil` if there is none.
    func domain(named name: String) throws(LibvirtError) -> Domain? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            if let domain = unsafe virDomainLookupByName(pointer, name) { return unsafe Domain(owning: domain) }
            let error = LibvirtError.last("virDomainLookupByName")
            guard error.code == .noDomain else { throw error }
            return nil
        }
    }

    /// The running domain with an ID, which libvirt assigns at each start; `nil` if there is none.
    func domain(id: Int32) throws(LibvirtError) -> Domain? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            if let domain = unsafe virDomainLookupByID(pointer, id) { return unsafe Domain(owning: domain) }
            let error = LibvirtError.last("virDomainLookupByID")
            guard [.noDomain, .invalidArgument].contains(error.code) else { throw error }
            return nil
        }
    }
}
