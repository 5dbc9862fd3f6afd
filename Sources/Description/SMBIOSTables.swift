import Common
import XML

/// The fields of the SMBIOS tables that a guest sees, as far as clouds are recognised by them.
///
/// They come from `<sysinfo type='smbios'>`, if `<os>` has `<smbios mode='sysinfo'/>`, and from QEMU's own option `-smbios` in
/// `<qemu:commandline>`, which adds to libvirt's and replaces the same field of it (QEMU's `smbios_entry_add`).
package struct SMBIOSTables: Sendable, Equatable {
    package enum Field: String, Sendable, CaseIterable {
        case manufacturer, product, serial, uuid
        /// The asset tag of the chassis.
        case asset
        /// The product of the base board.
        case board

        /// The section of `<sysinfo>` and the name of the entry there.
        var entry: (section: String, name: String) {
            switch self {
            case .manufacturer, .product, .serial, .uuid: ("system", rawValue)
            case .asset: ("chassis", "asset")
            case .board: ("baseBoard", "product")
            }
        }

        /// QEMU's number of the structure and the name of the field there.
        fileprivate var option: (type: String, name: String) {
            switch self {
            case .manufacturer, .product, .serial, .uuid: ("1", rawValue)
            case .asset: ("3", "asset")
            case .board: ("2", "product")
            }
        }
    }

    /// Where a field is written.
    package enum Origin: Sendable, Equatable {
        case sysinfo
        case commandLine
    }

    package struct Entry: Sendable, Equatable {
        package let value: String
        package let origin: Origin
    }

    /// Whether a guest of the domain's architecture can have the tables at all.
    package enum Support: Sendable, Equatable {
        case present
        /// Only UEFI passes them to the guest, and the domain boots without.
        case needsUEFI(architecture: String)
        case absent(architecture: String)
    }

    package let support: Support
    /// What the guest sees.
    package let entries: [Field: Entry]
    /// The entries of `<sysinfo>` that the guest does not see.
    package let hidden: [Field: String]
    /// Whether the guest sees this host's tables (`<smbios mode='host'/>`), of which nothing is known here.
    package let showsHost: Bool

    /// - Parameter domain: the root element of a domain's XML.
    init(_ domain: XMLElement) {
        let arguments = QEMUArguments(domain)
        support = Self.support(domain, arguments)
        let mode = domain.first("os", "smbios")?.attribute("mode")
        let written = Self.written(in: domain.all("sysinfo").first { $0.attribute("type") == "smbios" })
        let isVisible = support == .present
        showsHost = isVisible && mode == "host"
        var entries: [Field: Entry] = [:]
        if isVisible {
            if mode == "sysinfo" { entries = written.mapValues { Entry(value: $0, origin: .sysinfo) } }
            entries.merge(Self.added(by: arguments)) { _, added in added }
        }
        (self.entries, hidden) = (entries, isVisible && mode == "sysinfo" ? [:] : written)
    }

    package subscript(field: Field) -> String { entries[field]?.value ?? "" }

    private static func written(in sysinfo: XMLElement?) -> [Field: String] {
        guard let sysinfo else { return [:] }
        var written: [Field: String] = [:]
        for field in Field.allCases {
            let (section, name) = field.entry
            written[field] = sysinfo.first(section)?.all("entry").first { $0.attribute("name") == name }?.trimmedText
        }
        return written
    }

    private static func added(by arguments: QEMUArguments) -> [Field: Entry] {
        var added: [Field: Entry] = [:]
        for values in arguments.values(of: "smbios") {
            for field in Field.allCases where values["type"] == field.option.type {
                guard let value = values[field.option.name] else { continue }
                added[field] = Entry(value: field == .uuid ? value.lowercased() : value, origin: .commandLine)
            }
        }
        return added
    }

    // MARK: Architectures

    /// QEMU builds the tables for PCs itself; on these it leaves it to the firmware to pass them on, and Linux reads them from UEFI only.
    private static let uefiArchitectures: Set = ["aarch64", "armv7l", "armv7b", "armv6l", "loongarch64"]
    /// As `uname -m` names PCs; libvirt has x86_64 and i686.
    private static let pcArchitectures: Set = ["x86_64", "i686", "i586", "i486", "i386", "amd64"]

    /// Whether the domain is a PC. libvirt takes the host's architecture where none is given; that is a PC's most of the time.
    static func isPC(_ domain: XMLElement) -> Bool {
        domain.first("os", "type")?.attribute("arch").map(pcArchitectures.contains) ?? true
    }

    private static func support(_ domain: XMLElement, _ arguments: QEMUArguments) -> Support {
        guard !isPC(domain), let architecture = domain.first("os", "type")?.attribute("arch") else { return .present }
        guard uefiArchitectures.contains(architecture) else { return .absent(architecture: architecture) }
        let os = domain.first("os")
        let hasFirmware = os?.attribute("firmware") == "efi" || os?.first("loader") != nil || arguments.hasFirmware
        return hasFirmware ? .present : .needsUEFI(architecture: architecture)
    }
}

/// The arguments that a domain adds to QEMU's command line (https://libvirt.org/kbase/qemu-passthrough-security.html).
struct QEMUArguments {
    private static let namespace = "http://libvirt.org/schemas/domain/qemu/1.0"
    /// A domain has a few; more are not read.
    private static let most = 1_000

    private let words: [String]

    init(_ domain: XMLElement) {
        words = domain.all("commandline", "arg", namespace: Self.namespace).prefix(Self.most).map { $0.attribute("value") ?? "" }
    }

    /// The arguments of an option, which QEMU reads with one hyphen or two.
    func arguments(of option: String) -> [String] {
        zip(words, words.dropFirst()).filter { $0.0 == "-\(option)" || $0.0 == "--\(option)" }.map(\.1)
    }

    /// The arguments of an option as names and values.
    func values(of option: String) -> [[String: String]] { arguments(of: option).map(Self.values) }

    /// Whether they load a firmware.
    var hasFirmware: Bool {
        !arguments(of: "bios").isEmpty || !arguments(of: "pflash").isEmpty
            || values(of: "drive").contains { $0["if"] == "pflash" }
    }

    /// `name=value,name=value`, in which two commas are one of the value.
    private static func values(_ argument: String) -> [String: String] {
        var (fields, rest) = ([""], argument[...])
        while let character = rest.popFirst() {
            if character == ",", rest.first != "," {
                fields.append("")
            } else {
                if character == "," { rest.removeFirst() }
                fields[fields.count - 1].append(character)
            }
        }
        let pairs = fields.compactMap { field -> (String, String)? in
            guard let sign = field.firstIndex(of: "=") else { return nil }
            return (String(field[..<sign]), String(field[field.index(after: sign)...]))
        }
        return Dictionary(pairs) { _, last in last }
    }
}
