import XML

/// The element of a domain's metadata that keeps what its guest left as a password.
///
/// It has a namespace of its own, so that libvirt reads and writes it alone: whoever edits the operator's element does not touch
/// it.
enum PasswordElement {
    /// The namespace that the element alone is in.
    static let namespace = "urn:virt-metadata:password:1"
    /// The prefix that libvirt writes for the namespace.
    static let prefix = "vm-password"

    private static let name = "password"

    /// The password in a domain's XML; `nil` where there is none, or an empty one.
    static func text(in domain: XMLElement) -> String? {
        password(domain.first("metadata")?.first(name, namespace: namespace)?.text)
    }

    /// The password in the element alone, which libvirt gives without its namespace.
    static func text(ofElement xml: String) -> String? {
        // What cannot be read here was not in the domain's XML either, of which libvirt made it.
        password(try? XMLDocument(parsing: xml).root.text)
    }

    /// The element for a password, without its namespace, which libvirt adds.
    static func xml(for password: String) -> String {
        "<\(name)>\(XMLEscaping.content(password))</\(name)>"
    }

    private static func password(_ text: String?) -> String? {
        text?.isEmpty == false ? text : nil
    }
}
