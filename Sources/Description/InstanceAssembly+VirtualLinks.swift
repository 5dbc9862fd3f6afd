import Common

/// The bonds and VLANs that the guest creates.
extension InstanceAssembly {
    /// The links that the guest creates on its interfaces and bonds; a bond precedes the VLANs on it.
    func virtualLinks(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [VirtualLink] {
        let own = Set(domain.interfaces.map(\.mac))
        var bonds: [String: MACAddress] = [:]
        var links: [VirtualLink] = []
        for link in metadata.virtualLinks.filter(\.isBond) + metadata.virtualLinks.filter({ !$0.isBond }) {
            do throws(UnusableLink) {
                let mac = try link.hardwareAddress(among: own, bonds)
                if link.isBond { bonds[link.name] = mac }
                links.append(
                    VirtualLink(name: link.name, kind: link.kind, mac: mac, configuration: link.configuration))
            } catch {
                metadata.findings.append(Finding(.unusable, line: link.line, element: link.element, error.problem))
            }
        }
        return links
    }
}

/// Why a bond or a VLAN cannot be created.
private struct UnusableLink: Error {
    let problem: String
}

extension OperatorMetadata.LinkElement {
    fileprivate var isBond: Bool {
        if case .bond = kind { true } else { false }
    }

    /// Its own MAC address, else that of its base or first member, which must exist.
    fileprivate func hardwareAddress(
        among interfaces: Set<MACAddress>, _ bonds: [String: MACAddress]
    ) throws(UnusableLink) -> MACAddress {
        let base: MACAddress
        switch kind {
        case .bond(_, let members, _):
            guard let first = members.first else { throw UnusableLink(problem: "missing <member>") }
            if let unknown = members.first(where: { !interfaces.contains($0) }) {
                throw UnusableLink(problem: "the domain has no interface \(unknown)")
            }
            base = first
        case .vlan(_, .interface(let mac)):
            guard interfaces.contains(mac) else { throw UnusableLink(problem: "the domain has no interface \(mac)") }
            base = mac
        case .vlan(_, .bond(let name)):
            guard let mac = bonds[name] else { throw UnusableLink(problem: "unknown bond '\(shown(name))'") }
            base = mac
        }
        return mac ?? base
    }
}
