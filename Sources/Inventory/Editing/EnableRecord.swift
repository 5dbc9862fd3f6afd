import Crypto
import XML

/// The record of what `enable` wrote into a domain's definition, in an element of its own, so that `disable` removes exactly that.
///
/// Values of the operator's element are recorded as SHA-256, because user data may be large; SMBIOS entries are short.
struct EnableRecord: Equatable {
    /// The namespace of this element only.
    static let namespace = "urn:virt-metadata:enabled:1"
    private static let name = "enabled"

    struct SMBIOSEntry: Equatable {
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
    var values: [Value] = []

    init() {}

    /// Reads the record in a domain's XML; `nil` where there is none.
    init?(in domain: XMLElement) {
        guard let element = Self.element(in: domain) else { return nil }
        identity = element.attribute("identity")
        mode = element.attribute("mode")
        let children = element.children
        made = children.filter { $0.name == "made" }.map(\.text)
        entries = children.filter { $0.name == "entry" }.map { SMBIOSEntry(name: $0.attribute("name") ?? "", value: $0.text) }
        values = children.filter { $0.name == "value" }.map { child in
            Value(path: child.attribute("path") ?? "", digest: child.attribute("sha256") ?? "", was: child.attribute("was"))
        }
    }

    static func element(in domain: XMLElement) -> XMLElement? {
        domain.first("metadata")?.first(name, namespace: namespace)
    }

    /// Whether `enable` wrote nothing.
    var isEmpty: Bool { made.isEmpty && mode == nil && entries.isEmpty && values.isEmpty }

    var xml: String {
        func attribute(_ name: String, _ value: String?) -> String {
            value.map { " \(name)='\(XMLEscaping.attribute($0))'" } ?? ""
        }
        let made = made.map { "<made>\(XMLEscaping.content($0))</made>" }
        let entries = entries.map { "<entry\(attribute("name", $0.name))>\(XMLEscaping.content($0.value))</entry>" }
        let values = values.map {
            "<value\(attribute("path", $0.path))\(attribute("sha256", $0.digest))\(attribute("was", $0.was))/>"
        }
        return "<\(Self.name) xmlns='\(Self.namespace)'\(attribute("identity", identity))\(attribute("mode", mode))>"
            + (made + entries + values).joined() + "</\(Self.name)>"
    }

    static func digest(of value: String) -> String {
        SHA256.hash(data: Array(value.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
