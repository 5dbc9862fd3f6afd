import Common
import XML

/// Values of a domain's own XML that are dropped, and elements of virt-metadata that are where nobody reads them. libvirt refuses most of
/// them, so that only a file has them.
enum DomainReview {
    /// The most findings of one kind: a file may have thousands of interfaces.
    private static let most = 20

    static func findings(in domain: XMLElement, _ definition: XMLElement) -> [Finding] {
        values(of: domain) + interfaces(of: domain) + disks(of: domain) + misplaced(in: definition)
    }

    private static func unusable(_ element: XMLElement, _ path: String, _ problem: String) -> Finding {
        Finding(.unusable, line: element.line, element: path, problem)
    }

    // MARK: Values

    private static func values(of domain: XMLElement) -> [Finding] {
        var findings: [Finding] = []
        if let name = domain.first("name"), name.trimmedText.contains("/") {
            findings.append(unusable(name, "name", "'\(shown(name.trimmedText))' contains '/', which libvirt refuses"))
        }
        if let uuid = domain.first("hwuuid"), InstanceUUID(uuid.trimmedText) == nil {
            findings.append(unusable(uuid, "hwuuid", "'\(shown(uuid.trimmedText))' is not a UUID"))
        }
        for (name, unit) in [("vcpu", nil), ("memory", "unit")] {
            guard let element = domain.first(name) else { continue }
            let text = element.trimmedText
            if Int(text).map({ $0 > 0 }) != true {
                findings.append(unusable(element, name, "invalid value '\(shown(text))': expected an integer from 1"))
            } else if let unit, let word = element.attribute(unit), !DomainXML.knowsUnit(word) {
                findings.append(unusable(element, name, "unknown unit '\(shown(word))': expected one such as KiB or GiB"))
            }
        }
        return findings
    }

    // MARK: Devices

    private static func interfaces(of domain: XMLElement) -> [Finding] {
        var (findings, lines): ([Finding], [MACAddress: Int]) = ([], [:])
        let all = domain.all("devices", "interface")
        let path = "devices/interface"
        for interface in all.prefix(DomainXML.mostInterfaces) {
            guard findings.count < most else { break }
            if let element = interface.first("mac") {
                let text = element.attribute("address") ?? ""
                guard let mac = MACAddress.ofLibvirt(text), mac.namesOneInterface else {
                    let problem = "'\(shown(text))' is not the MAC address of an interface: the interface is not read"
                    findings.append(unusable(element, path + "/mac", problem))
                    continue
                }
                if interface.first("teaming") == nil, let first = lines.updateValue(interface.line, forKey: mac) {
                    let problem = "duplicate MAC address \(mac), also of the interface in line \(first): cloud-init fails"
                    findings.append(Finding(.note, line: element.line, element: path + "/mac", problem))
                }
            }
            if let mtu = interface.first("mtu"), let text = mtu.attribute("size"),
                Int(text).flatMap(NetworkReader.usableMTU) == nil
            {
                let problem = "invalid size '\(shown(text))': expected an integer from 68 to 65535"
                findings.append(unusable(mtu, path + "/mtu", problem))
            }
            let type = interface.attribute("type") ?? ""
            guard DomainXML.interfaceTypes.contains(type) else {
                let problem = "unknown type '\(shown(type))': the interface is not served"
                findings.append(Finding(.note, line: interface.line, element: path, problem))
                continue
            }
            // The attribute of `<source>` that these types need has their name.
            if ["network", "bridge"].contains(type), (interface.first("source")?.attribute(type) ?? "").isEmpty {
                let problem = "missing attribute '\(type)', which an interface of type '\(type)' needs"
                findings.append(unusable(interface, path + "/source", problem))
            }
        }
        if all.count > DomainXML.mostInterfaces {
            let problem = "more than \(DomainXML.mostInterfaces) interfaces; the first \(DomainXML.mostInterfaces) are read"
            findings.append(unusable(all[DomainXML.mostInterfaces], path, problem))
        }
        return findings
    }

    private static func disks(of domain: XMLElement) -> [Finding] {
        let hard = domain.all("devices", "disk").filter(DomainXML.isHard).map { ($0, $0.first("target")?.attribute("dev") ?? "") }
        return hard.filter { !DomainXML.isDiskName($0.1) }.prefix(most).map { disk, name in
            let problem = "'\(shown(name))' is not the name of a disk, such as vda: the disk is not read"
            return unusable(
                disk, "devices/disk/target",
                name.isEmpty ? "missing attribute 'dev', which libvirt requires: the disk is not read" : problem)
        }
    }

    // MARK: Metadata

    /// The namespaces of this program's elements.
    private static let own: Set<String> = [Vocabulary.namespace, EnableRecord.namespace, PasswordElement.namespace]

    /// The elements in the namespace of the operator's element that are neither that nor in it. What is inside of other programs'
    /// elements is theirs.
    private static func outside(_ parent: XMLElement, depth: Int) -> [XMLElement] {
        parent.children.flatMap { child -> [XMLElement] in
            let isOwn = child.namespace == Vocabulary.namespace
            // The first level of <metadata> is where they belong.
            if isOwn { return depth == 1 && parent.name == "metadata" && parent.namespace == nil ? [] : [child] }
            return child.namespace == nil ? outside(child, depth: depth + 1) : []
        }
    }

    static let advice = "expected <vm:instance xmlns:vm='\(Vocabulary.namespace)'> in <metadata>"

    /// - Parameter domain: the root of a domain's or a network's XML.
    static func misplaced(in domain: XMLElement) -> [Finding] {
        var findings: [Finding] = []
        for element in outside(domain, depth: 0).prefix(most) {
            findings.append(unusable(element, shown(element.name), "is outside of <metadata>, so it is not read: \(advice)"))
        }
        for metadata in domain.all("metadata").dropFirst() {
            findings.append(unusable(metadata, "metadata", "a second <metadata>, which libvirt drops: use one"))
        }
        for element in domain.first("metadata")?.children ?? [] {
            let namespace = element.namespace ?? ""
            // Other programs have elements of this name too, such as Nova's, whose namespaces are far from this one.
            let isMisspelt = element.name == Vocabulary.root && Vocabulary.isMisspelt(namespace)
            guard namespace.hasPrefix("urn:virt-metadata:") || isMisspelt, !own.contains(namespace) else { continue }
            findings.append(unusable(element, shown(element.name), "has the unknown namespace '\(shown(namespace))': \(advice)"))
        }
        let children = domain.first("metadata")?.children ?? []
        if children.contains(where: { $0.namespace == Vocabulary.namespace }) {
            for element in children where element.namespace == nil {
                let problem = "has no namespace, so libvirt drops it: move it into <\(Vocabulary.root)>"
                findings.append(unusable(element, shown(element.name), problem))
            }
        }
        return Array(findings.prefix(most))
    }
}
