import Common
import XML

/// libvirt's own part of a domain's XML (https://libvirt.org/formatdomain.html).
struct DomainXML {
    struct Interface {
        let line: Int
        /// libvirt's interface type: `bridge`, `network`, `direct`, ….
        let type: String
        let mac: MACAddress
        let tap: String?
        /// The queues of the tap (`<driver queues='4'>`).
        let queues: Int
        let bridge: String?
        let network: LibvirtName?
        let mtu: Int?
        let device: DeviceAddress
        let vlan: Int?
        /// Whether the interface has a `<vlan>` of its own.
        let hasVLANs: Bool
        /// The group of the network's settings that the interface takes.
        let portGroup: String?
        let isTrusted: Bool
        /// Whether the interface's cable is unplugged.
        let isDown: Bool
        /// Whether the interface is the fast half of a pair that the guest joins into one device (`<teaming>`).
        let isTransient: Bool
    }

    struct Disk {
        let target: String
        let bootOrder: Int?
        let serial: String?
        let device: DeviceAddress
    }

    let uuid: InstanceUUID
    /// libvirt's ID of the running domain.
    let id: Int?
    let hardwareUUID: InstanceUUID?
    let name: String
    let vcpus: Int
    let memoryMiB: Int
    /// The machine without its disks, which also need the operator's values.
    let machine: GuestMachine
    let interfaces: [Interface]
    let disks: [Disk]
    /// Notes on values that libvirt generates when the domain is defined.
    let generated: [Finding]

    /// Parses the root element of a domain's XML.
    ///
    /// - Parameter isDraft: whether libvirt has not seen the XML yet: then it may lack what libvirt generates.
    init(_ domain: XMLElement, isDraft: Bool = false) throws(DescriptionError) {
        guard domain.name == "domain" else {
            throw DescriptionError(line: domain.line, "the root is <\(domain.name)>, not <domain>")
        }
        guard let name = domain.first("name").map(Self.name), !name.isEmpty else {
            throw DescriptionError(line: domain.line, "the domain has no <name>")
        }
        let isNew = isDraft && domain.first("uuid") == nil
        guard let uuid = isNew ? InstanceUUID(Self.anyUUID) : (domain.first("uuid")?.trimmedText).flatMap(InstanceUUID.init)
        else {
            throw DescriptionError(line: domain.first("uuid")?.line ?? domain.line, "the domain has no usable <uuid>")
        }
        (self.name, self.uuid) = (name, uuid)
        id = domain.attribute("id").flatMap { Int($0) }
        hardwareUUID = (domain.first("hwuuid")?.trimmedText).flatMap(InstanceUUID.init)
        vcpus = (domain.first("vcpu")?.trimmedText).flatMap(Int.init) ?? 1
        memoryMiB = domain.first("memory").map(Self.mebibytes) ?? 0
        let devices = domain.first("devices")
        let all = devices?.all("interface").prefix(Self.mostInterfaces).compactMap(Self.interface) ?? []
        let persistent = Set(all.filter { !$0.isTransient }.map(\.mac))
        // The guest configures a teaming pair as one device, with the MAC address that both halves have.
        interfaces = all.filter { !$0.isTransient || !persistent.contains($0.mac) }
        disks = devices?.all("disk").compactMap(Self.disk) ?? []
        let unnamed = devices?.all("interface").filter { $0.first("mac") == nil } ?? []
        generated =
            (isNew ? [Finding(.note, line: domain.line, element: "uuid", "missing: libvirt generates one")] : [])
            + (isDraft ? unnamed : []).map {
                Finding(
                    .note, line: $0.line, element: "devices/interface/mac", "missing: libvirt generates one; not checked further")
            }
        var machine = GuestMachine()
        machine.platform = Self.platform(domain)
        machine.shares =
            devices?.all("filesystem").compactMap { $0.first("target")?.attribute("dir").map { Share(tag: $0) } } ?? []
        machine.dedicatedProcessors = Self.dedicatedProcessors(domain)
        self.machine = machine
    }

    /// In place of the UUID that libvirt generates.
    private static let anyUUID = "00000000-0000-4000-8000-000000000000"

    /// The most interfaces to read: more than any machine can have.
    static let mostInterfaces = 256

    /// The exact name, as libvirt uses it: two names may differ by a space. In a file it may be on a line of its own.
    private static func name(_ element: XMLElement) -> String {
        element.text.contains("\n") || element.trimmedText.isEmpty ? element.trimmedText : element.text
    }

    private static func platform(_ domain: XMLElement) -> Platform {
        var platform = Platform()
        let type = domain.first("os", "type")
        platform.hypervisor = domain.attribute("type").flatMap { $0.isEmpty ? nil : $0 }
        platform.virtualization = (type?.trimmedText).flatMap { $0.isEmpty ? nil : $0 }
        platform.architecture = type?.attribute("arch")
        return platform
    }

    private static func interface(_ element: XMLElement) -> Interface? {
        guard let mac = (element.first("mac")?.attribute("address")).flatMap(MACAddress.ofLibvirt),
            mac.namesOneInterface
        else { return nil }
        let source = element.first("source")
        return Interface(
            line: element.line, type: element.attribute("type") ?? "", mac: mac, tap: element.first("target")?.attribute("dev"),
            queues: (element.first("driver")?.attribute("queues")).flatMap { Int($0) } ?? 1,
            bridge: source?.attribute("bridge"),
            network: source?.attribute("network").map { LibvirtName($0) },
            mtu: (element.first("mtu")?.attribute("size")).flatMap { Int($0) }.flatMap(NetworkReader.usableMTU),
            device: DeviceXML.address(of: element), vlan: vlan(element), hasVLANs: element.first("vlan") != nil,
            portGroup: source?.attribute("portgroup"),
            isTrusted: element.attribute("trustGuestRxFilters") == "yes",
            isDown: element.first("link")?.attribute("state") == "down",
            isTransient: element.first("teaming")?.attribute("type") == "transient")
    }

    /// A hard disk; `nil` for CD-ROM and floppy drives.
    private static func disk(_ element: XMLElement) -> Disk? {
        guard isHard(element), let target = element.first("target")?.attribute("dev"), isDiskName(target) else { return nil }
        return Disk(
            target: target, bootOrder: (element.first("boot")?.attribute("order")).flatMap { Int($0) },
            serial: (element.first("serial")?.trimmedText).flatMap { $0.isEmpty ? nil : $0 },
            device: DeviceXML.address(of: element))
    }

    static func isHard(_ disk: XMLElement) -> Bool { ["disk", "lun", nil].contains(disk.attribute("device")) }

    /// Whether a guest may have a disk of that name: a component of its path below `/dev/`. libvirt looks at the first letters only.
    static func isDiskName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
    }

    /// The VLAN of an interface or of a network; `nil` for a trunk, which may be one of a single VLAN.
    static func vlan(_ element: XMLElement) -> Int? {
        guard element.first("vlan")?.attribute("trunk") != "yes" else { return nil }
        let tags = element.all("vlan", "tag")
        return tags.count == 1 ? tags[0].attribute("id").flatMap { Int($0) } : nil
    }

    /// The processors that are pinned to one host processor, to which no other of this domain is pinned.
    private static func dedicatedProcessors(_ domain: XMLElement) -> [Int] {
        let pinned = domain.all("cputune", "vcpupin").compactMap { pin -> (guest: Int, host: Int)? in
            guard let guest = pin.attribute("vcpu").flatMap({ Int($0) }), let host = pin.attribute("cpuset").flatMap({ Int($0) })
            else { return nil }
            return (guest, host)
        }
        let taken = Dictionary(grouping: pinned, by: \.host)
        return pinned.filter { taken[$0.host]?.count == 1 }.map(\.guest).sorted()
    }

    /// The types of interfaces that libvirt knows (`virDomainNetTypeFromString`) but for `vds`, which is VMware's.
    static let interfaceTypes: Set<String> = [
        "bridge", "client", "direct", "ethernet", "hostdev", "internal", "mcast", "network", "null", "server", "udp", "user",
        "vdpa",
        "vhostuser",
    ]

    /// libvirt's units (`virScaleInteger`), in lower case as it compares them: powers of 1000 as `MB`, of 1024 as `MiB` or `M`.
    private static let units: [String: Int] = [
        "b": 1, "byte": 1, "bytes": 1, "kb": 1_000, "k": 1 << 10, "kib": 1 << 10, "mb": 1_000_000, "m": 1 << 20, "mib": 1 << 20,
        "gb": 1_000_000_000, "g": 1 << 30, "gib": 1 << 30, "tb": 1_000_000_000_000, "t": 1 << 40, "tib": 1 << 40,
        "pb": 1_000_000_000_000_000, "p": 1 << 50, "pib": 1 << 50, "eb": 1_000_000_000_000_000_000, "e": 1 << 60, "eib": 1 << 60,
    ]

    static func knowsUnit(_ unit: String) -> Bool { units[unit.lowercased()] != nil }

    /// KiB is the default unit.
    private static func mebibytes(_ element: XMLElement) -> Int {
        let (bytes, overflow) = (Int(element.trimmedText) ?? 0).multipliedReportingOverflow(
            by: units[element.attribute("unit")?.lowercased() ?? "kib"] ?? 0)
        return overflow ? 0 : bytes >> 20
    }
}

/// Domain or network XML that cannot be used.
package struct DescriptionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line of the XML, from 1.
    package let line: Int
    package let problem: String

    init(line: Int, _ problem: String) {
        (self.line, self.problem) = (line, problem)
    }

    /// `line 3: …`, for logs and terminals.
    package var description: String { "line \(line): \(problem)" }
}

extension XMLElement {
    /// The element's own text without white space around it.
    var trimmedText: String { text.trimmingWhitespace() }
}
