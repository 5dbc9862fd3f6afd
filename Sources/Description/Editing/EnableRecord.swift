import Crypto
import XML

/// The record of what `enable` wrote into a domain's definition, in an element of its own, so that `disable` removes exactly that.
///
/// Values of the operator's element are recorded as SHA-256, because user data may be large; SMBIOS entries are short.
struct EnableRecord: Equatable {
    /// The namespace of this element only.
    static let namespace = "urn:virt-metadata:enabled:1"
    private static let prefix = "vm-enabled"
    private static let name = "enabled"

    struct SMBIOSEntry: Equatable {
        let name: String
        let value: String
    }

    /// An entry written by hand that `enable --force` replaced.
    struct ReplacedEntry: Equatable {
        /// The element of `<sysinfo>` that had it, such as `system`.
        let section: String
        let name: String
        let value: String
    }

    struct Value: Equatable {
        let path: String
        let digest: String
        /// The value before `enable`, as written; `nil` for none.
        let was: String?
    }

    var identity: String?
    /// The elements that were created: `os/smbios`, `sysinfo`, `sysinfo/system`, in this order.
    var made: [String] = []
    /// The former mode of `<smbios>`.
    var mode: String?
    var entries: [SMBIOSEntry] = []
    var replaced: [ReplacedEntry] = []
    var values: [Value] = []

    /// libvirt's words for the mode.
    private static let modes = ["emulate", "host", "sysinfo"]
    private static let makeable = ["os/smbios", "sysinfo", "sysinfo/system"]

    /// The most values of a record that are undone: many more than `enable` is ever given. Each is looked for in the whole element.
    private static let mostValues = 500

    init() {}

    /// - Throws: `DefinitionFailure` where somebody else has written more into the record than `enable` would.
    func checkSize() throws(DefinitionFailure) {
        guard values.count > Self.mostValues else { return }
        throw DefinitionFailure(
            "the record of `enable` has \(values.count) values, and at most \(Self.mostValues) are undone: remove the element with the "
                + "namespace '\(Self.namespace)' with `virsh edit`")
    }

    /// Reads the record in a domain's XML; `nil` where there is none.
    ///
    /// Whoever may set a domain's metadata can write a record. So it says only what `enable` can have written: nothing else reaches the definition.
    init?(in domain: XMLElement) {
        guard let element = Self.element(in: domain) else { return nil }
        identity = element.attribute("identity").flatMap(SMBIOSIdentity.init)?.rawValue
        mode = element.attribute("mode").flatMap { Self.modes.contains($0) ? $0 : nil }
        let children = element.children
        made = Self.makeable.filter { name in children.contains { $0.name == "made" && $0.text == name } }
        for (section, name) in SMBIOSTables.Field.allCases.map(\.entry) {
            let named = children.filter { $0.attribute("name") == name }
            if section == "system", let entry = named.first(where: { $0.name == "entry" }) {
                entries.append(SMBIOSEntry(name: name, value: entry.text))
            }
            let former = named.first { $0.name == "replaced" && $0.attribute("section") ?? "system" == section }
            if let former { replaced.append(ReplacedEntry(section: section, name: name, value: former.text)) }
        }
        values = children.filter { $0.name == "value" }.map { child in
            Value(path: child.attribute("path") ?? "", digest: child.attribute("sha256") ?? "", was: child.attribute("was"))
        }
    }

    static func element(in domain: XMLElement) -> XMLElement? {
        domain.first("metadata")?.first(name, namespace: namespace)
    }

    /// Whether `enable` wrote nothing.
    var isEmpty: Bool { made.isEmpty && mode == nil && entries.isEmpty && replaced.isEmpty && values.isEmpty }

    /// The element as it is written into a document.
    var xml: String {
        func attribute(_ name: String, _ value: String?) -> String {
            value.map { " \(name)='\(XMLEscaping.attribute($0))'" } ?? ""
        }
        func element(_ name: String, _ attributes: String, _ text: String) -> String {
            "<\(Self.prefix):\(name)\(attributes)>\(XMLEscaping.content(text))</\(Self.prefix):\(name)>"
        }
        let made = made.map { element("made", "", $0) }
        let entries = entries.map { element("entry", attribute("name", $0.name), $0.value) }
        let replaced = replaced.map {
            element("replaced", attribute("section", $0.section) + attribute("name", $0.name), $0.value)
        }
        let values = values.map {
            let attributes = attribute("path", $0.path) + attribute("sha256", $0.digest) + attribute("was", $0.was)
            return "<\(Self.prefix):value\(attributes)/>"
        }
        let attributes = attribute("identity", identity) + attribute("mode", mode)
        return "<\(Self.prefix):\(Self.name) xmlns:\(Self.prefix)='\(Self.namespace)'\(attributes)>"
            + (made + entries + replaced + values).joined() + "</\(Self.prefix):\(Self.name)>"
    }

    static func digest(of value: String) -> String {
        SHA256.digest(of: Array(value.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
