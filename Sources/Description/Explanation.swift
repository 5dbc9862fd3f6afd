package import Common
import XML

/// A value of an instance, and where it comes from.
package struct ExplainedValue: Sendable, Equatable {
    /// As on the command line, such as `tags/tag[env]`.
    package let path: String
    /// The value; in parentheses what stands for one that may be secret.
    package let text: String
    package let origin: ValueOrigin
}

extension InstanceAssembly {
    /// An instance with its findings, and where each of its values comes from.
    package struct Explained: Sendable {
        package let assembled: Assembled
        /// In the order of the vocabulary; lists in their own order.
        package let values: [ExplainedValue]
    }

    /// Assembles the instance of a domain as ``assemble(_:edited:)`` does, and explains its values.
    ///
    /// - Parameter policy: the server's session policy, for domains that say none.
    package func explain(
        _ xml: [UInt8], edited: [UInt8]? = nil, policy: SessionPolicy = SessionPolicy()
    ) throws(DescriptionError) -> Explained {
        let (assembled, metadata) = try assemble(xml, edited: edited, explains: true)
        let explanation = Explanation(of: assembled.instance, metadata, networks: networks, policy)
        return Explained(assembled: assembled, values: explanation.values)
    }
}

extension OperatorMetadata {
    /// Records where the values of the instance element are.
    mutating func beginExplaining(_ instance: XMLElement?) {
        let lines = instance.map(ElementLines.lines) ?? [:]
        var origins: [String: ValueOrigin] = [:]
        for value in LayeredValue.all {
            for entry in value.entries(self) {
                origins[entry.id] = (entry.line ?? lines[entry.id]).map { .element(line: $0) }
            }
        }
        for (mac, element) in interfaces {
            for (name, text) in element.entries { origins["\(mac) \(name) \(text)"] = .element(line: element.line) }
        }
        for path in ["instance-id", "name", "hostname", "launch-index", "reservation-id", "provider-id", "network-config"] {
            let id = LayeredValue.Entry(path: path, text: nil).id
            origins[id] = lines[id].map { .element(line: $0) }
        }
        self.origins = origins
    }
}

/// The rows of an explanation.
private struct Explanation {
    private(set) var values: [ExplainedValue] = []
    private let instance: Instance
    private let metadata: OperatorMetadata
    private let networks: [LibvirtName: NetworkXML]
    /// By the discriminators of their entries.
    private let parts: [String: UserDataPart]
    /// By the paths of their entries.
    private let files: [String: InjectedFile]

    init(of instance: Instance, _ metadata: OperatorMetadata, networks: [LibvirtName: NetworkXML], _ policy: SessionPolicy) {
        (self.instance, self.metadata, self.networks) = (instance, metadata, networks)
        parts = Dictionary(metadata.userDataParts.map { ("\($0.file ?? ""):\($0.line)", $0) }) { first, _ in first }
        files = Dictionary(metadata.documents.files.map { ("files/file[\($0.path)]", $0) }) { first, _ in first }
        addNames()
        for value in LayeredValue.all {
            for entry in value.entries(metadata) {
                add(entry.path, entry.text ?? secret(entry), metadata.origins?[entry.id] ?? .derived("unknown"))
            }
        }
        addDerived(policy)
        for interface in instance.interfaces { add(interface) }
        for disk in instance.machine.disks {
            add("disks/disk[\(disk.target)]", disk.role?.rawValue ?? "disk", .libvirt("<disk>"))
        }
    }

    private mutating func add(_ path: String, _ text: String, _ origin: ValueOrigin) {
        values.append(ExplainedValue(path: path, text: text, origin: origin))
    }

    /// What stands for bytes, which may be secret.
    private func secret(_ entry: LayeredValue.Entry) -> String {
        func size(_ bytes: [UInt8]?) -> String { "(\(InstanceElement.bytes(bytes?.count ?? 0)))" }
        switch entry.path {
        case "userdata":
            let part = parts[entry.discriminator]
            let type = part.flatMap { $0.type ?? MultipartMessage.mediaType(of: $0.content) }
            return ([type].compactMap(\.self) + [size(part?.content)]).joined(separator: " ")
        case "vendordata": return "(vendor data)"
        case "additional": return "(JSON object)"
        default:
            return files[entry.path].map { size($0.content) } ?? "(credentials)"
        }
    }

    /// A value of the instance element alone, else what it is derived from.
    private mutating func addOwn(_ path: String, _ text: String?, else origin: ValueOrigin? = nil) {
        guard let text, let origin = metadata.origins?[LayeredValue.Entry(path: path, text: nil).id] ?? origin else { return }
        add(path, text, origin)
    }

    private mutating func addNames() {
        let names = instance.names
        add("uuid", "\(names.uuid)", .libvirt(names.uuid == names.domain ? "<uuid>" : "<hwuuid>"))
        addOwn("instance-id", names.id, else: .derived("'i-' and 17 digits of the domain's UUID"))
        addOwn("name", names.name, else: .libvirt(names.name == names.domainName ? "<name>" : "<title>"))
        addOwn("hostname", names.hostname, else: .derived("the domain's <name>"))
        if let own = metadata.hostname ?? Hostname.derived(from: names.domainName), own != names.hostname,
            names.hostname.hasPrefix(own + "."), let domain = metadata.domainOrigin
        {
            add("domain", String(names.hostname.dropFirst(own.count + 1)), domain)
        }
        addOwn("launch-index", "\(instance.launch.index)", else: .derived("the default"))
        addOwn("reservation-id", instance.launch.images.reservation)
        addOwn("provider-id", instance.launch.provider)
        addOwn("network-config", instance.documents.networkConfiguration.map { "(\(InstanceElement.bytes($0.bytes.count)))" })
    }

    private mutating func addDerived(_ policy: SessionPolicy) {
        if metadata.type == nil { add("instance-type", instance.launch.type, .derived("<vcpu> and <memory>")) }
        if metadata.action == nil { add("instance-action", instance.launch.action, .derived("the default")) }
        if instance.launch.placement("region") == nil, let region = instance.launch.region {
            add("placement/region", region, .derived("the availability zone"))
        }
        if metadata.sessions.tokens == nil {
            add("imds@tokens", (policy.tokens ?? .optional).rawValue, .setting("session-tokens"))
        }
        if metadata.sessions.hopLimit == nil, let limit = policy.hopLimit {
            add("imds@hop-limit", "\(limit)", .setting("hop-limit"))
        }
    }

    // MARK: Interfaces

    private mutating func add(_ interface: NetworkInterface) {
        let path = "interfaces/interface[\(interface.mac)]"
        add("\(path)@mac", "\(interface.mac)", .libvirt("<interface>"))
        for (name, text) in metadata.interfaces[interface.mac]?.entries ?? [] {
            let origin = metadata.origins?["\(interface.mac) \(name) \(text)"]
            add("\(path)/\(name)", text, origin ?? .derived("unknown"))
        }
        let network = interface.network.map { "the network '\($0.name)'" }
        for address in interface.reservations { add("\(path)/address", "\(address)", .libvirt("<host> of \(network ?? "")")) }
        for address in interface.leases { add("\(path)/address", "\(address)", .libvirt("a DHCP lease of \(network ?? "")")) }
        if interface.configuration.mtu == nil, let mtu = interface.mtu {
            let isOwn = interface.network.flatMap { networks[$0.name]?.mtu } != mtu
            add("\(path)/mtu", "\(mtu)", .libvirt(isOwn ? "<mtu> of the interface" : "<mtu> of \(network ?? "")"))
        }
        guard instance.documents.networkConfiguration == nil,
            let link = instance.guestLinks.first(where: { $0.mac == interface.mac })
        else { return }
        let source: ValueOrigin = network.map { .libvirt($0) } ?? .derived("a bridge of which libvirt knows nothing")
        for configured in link.networks { add(configured, path, interface.configuration, source) }
    }

    /// What the guest is told of a family, as far as no element says it.
    private mutating func add(
        _ configured: GuestNetwork, _ path: String, _ own: LinkConfiguration, _ source: ValueOrigin
    ) {
        switch configured.kind {
        case .dhcp4 where own.ipv4 == nil: add("\(path)/ipv4", "dhcp", source)
        case .ipv6(let method) where own.ipv6 == nil: add("\(path)/ipv6", method.rawValue, source)
        default: break
        }
        for route in configured.routes {
            if route.isDefault, !own.gateways.contains(route.gateway), !own.routes.contains(where: \.isDefault) {
                add("\(path)/gateway", "\(route.gateway)", source)
            } else if !route.isDefault, !own.routes.contains(where: { $0.destination == route.destination }) {
                add("\(path)/route[\(route.destination)]", "via \(route.gateway)", source)
            }
        }
        for server in configured.nameServers where !own.nameServers.contains(server) { add("\(path)/dns", "\(server)", source) }
        for domain in configured.searchDomains where !own.searchDomains.contains(domain) {
            add("\(path)/search", domain, source)
        }
    }
}
