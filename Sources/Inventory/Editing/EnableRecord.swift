import Crypto
import XML

/// What `enable` put into a domain's definition, kept there in an element of its own, so that `disable` takes out exactly that.
///
/// The values of the operator's element are kept as SHA-256, for user data may be large; SMBIOS entries are short.
struct EnableRecord: Equatable {
    /// The namespace that the element alone is in.
    static let namespace = "urn:virt-metadata:enabled:1"
    private static let name = "enabled"

    struct Entry: Equatable {
        let name: String
        let value: String
    }

    struct Value: Equatable {
        let path: String
        let digest: String
        /// What stood there before, as it was written.
        let was: String?
    }

    var identity: String?
    /// The elements that were made: `os/smbios`, `sysinfo`, `sysinfo/system`, in this order.
    var made: [String] = []
    /// The mode that `<smbios>` had before.
    var mode: String?
    var entries: [Entry] = []
    var values: [Value] = []

    init() {}

    /// Reads it from a domain's XML; `nil` where there is none.
    init?(in domain: XMLElement) {
        guard let element = Self.element(in: domain) else { return nil }
        identity = element.attribute("identity")
        mode = element.attribute("mode")
        let children = element.children
        made = children.filter { $0.name == "made" }.map(\.text)
        entries = children.filter { $0.name == "entry" }.map { Entry(name: $0.attribute("name") ?? "", value: $0.text) }
        values = children.filter { $0.name == "value" }.map { child in
            Value(path: child.attribute("path") ?? "", digest: child.attribute("sha256") ?? "", was: child.attribute("was"))
        }
    }

    /// The element in a domain's XML.
    static func element(in domain: XMLElement) -> XMLElement? {
        domain.first("metadata")?.first(name, namespace: namespace)
    }

    /// Whether nothing was put in at all.
    var isEmpty: Bool { made.isEmpty && mode == nil && entries.isEmpty && values.isEmpty }

    /// The element as it is written.
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
