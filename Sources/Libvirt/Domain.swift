import CLibvirt

/// The name and UUID of a domain, enough to ask for the rest.
public struct DomainReference: Sendable, Hashable {
    /// The UUID, lower-case with hyphens.
    public let uuid: String
    /// The name; it can change, the UUID cannot.
    public let name: String

    /// A reference from its parts.
    public init(uuid: String, name: String) {
        (self.uuid, self.name) = (uuid, name)
    }
}

/// What libvirt says about one domain at one moment.
public struct DomainDescription: Sendable, Hashable {
    /// The UUID, lower-case with hyphens.
    public let uuid: String
    /// The name; it can change, the UUID cannot.
    public let name: String
    /// Whether the domain runs; a paused one does.
    public let isRunning: Bool
    /// Whether it is paused, as it is on the host that it migrates to until that is done.
    public let isPaused: Bool
    /// The domain XML (https://libvirt.org/formatdomain.html) as it is now; of a domain that does not run, as it will start.
    public let liveXML: String
    /// The domain XML for the next start, with edits that wait for it; only where it was asked for and the domain is persistent.
    public let inactiveXML: String?

    /// A description from its parts.
    public init(
        uuid: String, name: String, isRunning: Bool, isPaused: Bool, liveXML: String, inactiveXML: String?
    ) {
        (self.uuid, self.name, self.isRunning, self.isPaused) = (uuid, name, isRunning, isPaused)
        (self.liveXML, self.inactiveXML) = (liveXML, inactiveXML)
    }
}

/// What became of a change of a domain's metadata.
public enum MetadataChange: Sendable, Hashable {
    /// libvirt has confirmed it.
    case made
    /// What stands there did not allow it; nothing was changed.
    case notAllowed
    /// There is no such domain, or no longer.
    case noDomain
}

/// A handle of one domain.
// Safe: the pointer is the one reference that a lookup gave; it is private, not copied, and freed once.
@safe struct Domain: ~Copyable {
    private let pointer: virDomainPtr

    /// Takes over a reference that libvirt has given.
    init(owning pointer: virDomainPtr) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe virDomainFree(pointer)
    }

    /// The UUID, lower-case with hyphens; costs no call to the daemon.
    var uuid: String {
        unsafe Self.uuid(of: pointer) ?? ""
    }

    /// The name; costs no call to the daemon.
    var name: String {
        unsafe virDomainGetName(pointer).map { unsafe String(cString: $0) } ?? ""
    }

    func isRunning() throws(LibvirtError) -> Bool {
        let answer = unsafe virDomainIsActive(pointer)
        guard answer >= 0 else { throw .last("virDomainIsActive") }
        return answer == 1
    }

    private func state() throws(LibvirtError) -> virDomainState {
        var state: Int32 = 0
        // Safe: the manual says that the reason may be NULL, and that of the flags there are none.
        guard unsafe virDomainGetState(pointer, &state, nil, 0) == 0 else { throw .last("virDomainGetState") }
        return virDomainState(UInt32(bitPattern: state))
    }

    func isPersistent() throws(LibvirtError) -> Bool {
        let answer = unsafe virDomainIsPersistent(pointer)
        guard answer >= 0 else { throw .last("virDomainIsPersistent") }
        return answer == 1
    }

    /// The XML of now, or the one for the next start; of a domain that does not run the two are the same.
    ///
    /// - Parameter secrets: whether passwords are in it, which only a connection that can write may ask for.
    func xml(inactive: Bool, secrets: Bool = false) throws(LibvirtError) -> String {
        let flags = (inactive ? VIR_DOMAIN_XML_INACTIVE.rawValue : 0) | (secrets ? VIR_DOMAIN_XML_SECURE.rawValue : 0)
        guard let text = unsafe virDomainGetXMLDesc(pointer, flags) else { throw .last("virDomainGetXMLDesc") }
        return unsafe String(adopting: text)
    }

    /// All that is known, in two calls to the daemon, or four with the XML for the next start: a call is several messages, and
    /// each wakes three threads.
    func describe(edited: Bool) throws(LibvirtError) -> DomainDescription {
        let liveXML = try xml(inactive: false)
        let startsAgain = edited ? try isPersistent() : false
        let inactiveXML = startsAgain ? try xml(inactive: true) : nil
        // Asked last, for it may have stopped since it was found: what was found has no number if it did not run even then.
        let state = try state()
        let isRunning = unsafe virDomainGetID(pointer) != UInt32.max && state != VIR_DOMAIN_SHUTOFF
        return DomainDescription(
            uuid: uuid, name: name, isRunning: isRunning, isPaused: state == VIR_DOMAIN_PAUSED, liveXML: liveXML,
            inactiveXML: inactiveXML)
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

    /// Puts an element into the metadata, or takes it out; one that is not there may be taken out.
    func setMetadata(
        to element: String?, namespace: String, prefix: String, live: Bool, persistent: Bool
    ) throws(LibvirtError) {
        let flags = (live ? VIR_DOMAIN_AFFECT_LIVE.rawValue : 0) | (persistent ? VIR_DOMAIN_AFFECT_CONFIG.rawValue : 0)
        let kind = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
        guard unsafe virDomainSetMetadata(pointer, kind, element, prefix, namespace, flags) == 0 else {
            throw .last("virDomainSetMetadata")
        }
    }

    /// The UUID of a domain that somebody else holds, as a callback is given it.
    static func uuid(of pointer: virDomainPtr) -> String? {
        var text = [CChar](repeating: 0, count: Int(VIR_UUID_STRING_BUFLEN))
        // Safe: the manual says that the function writes VIR_UUID_STRING_BUFLEN bytes, the last of them 0.
        guard unsafe virDomainGetUUIDString(pointer, &text) == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension Connection {
    /// All domains that there are, running or only defined.
    func allDomains() throws(LibvirtError) -> [DomainReference] {
        try domains(VIR_CONNECT_LIST_DOMAINS_ACTIVE.rawValue | VIR_CONNECT_LIST_DOMAINS_INACTIVE.rawValue)
    }

    /// All domains that run now, paused ones too.
    func runningDomains() throws(LibvirtError) -> [DomainReference] {
        try domains(VIR_CONNECT_LIST_DOMAINS_ACTIVE.rawValue)
    }

    private func domains(_ flags: UInt32) throws(LibvirtError) -> [DomainReference] {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            var list: UnsafeMutablePointer<virDomainPtr?>?
            let count = unsafe virConnectListAllDomains(pointer, &list, flags)
            guard count >= 0 else { throw .last("virConnectListAllDomains") }
            return unsafe adopted(list, count: count) { pointer in
                let domain = unsafe Domain(owning: pointer)
                return DomainReference(uuid: domain.uuid, name: domain.name)
            }
        }
    }

    /// Writes a domain's definition for the next start, in the place of the one with its name and UUID.
    func define(_ xml: String) throws(LibvirtError) {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            guard let defined = unsafe virDomainDefineXML(pointer, xml) else { throw .last("virDomainDefineXML") }
            // Safe: this is the one reference that defining gave.
            unsafe virDomainFree(defined)
        }
    }

    /// The domain with a UUID; `nil` if there is none, or the text is no UUID.
    func domain(uuid: String) throws(LibvirtError) -> Domain? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            if let domain = unsafe virDomainLookupByUUIDString(pointer, uuid) { return unsafe Domain(owning: domain) }
            let error = LibvirtError.last("virDomainLookupByUUIDString")
            guard [.noDomain, .invalidArgument].contains(error.code) else { throw error }
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

    /// The running domain with the number that libvirt gave it at its start; `nil` if there is none.
    func domain(id: Int32) throws(LibvirtError) -> Domain? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            if let domain = unsafe virDomainLookupByID(pointer, id) { return unsafe Domain(owning: domain) }
            let error = LibvirtError.last("virDomainLookupByID")
            guard [.noDomain, .invalidArgument].contains(error.code) else { throw error }
            return nil
        }
    }
}
