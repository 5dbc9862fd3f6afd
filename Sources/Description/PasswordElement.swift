import XML

/// The element of a domain's metadata that stores the password posted by its guest.
///
/// It has a namespace of its own, so that libvirt reads and writes it separately: an edit of the operator's element does not change it.
package enum PasswordElement {
    /// The namespace of this element only.
    package static let namespace = "urn:virt-metadata:password:1"
    /// The prefix that libvirt writes for the namespace.
    package static let prefix = "vm-password"

    private static let name = "password"

    /// The password in a domain's XML; `nil` where it is missing or empty.
    static func text(in domain: XMLElement) -> String? {
        password(element(in: domain)?.text)
    }

    /// The element in a domain's XML.
    static func element(in domain: XMLElement) -> XMLElement? {
        domain.first("metadata")?.first(name, namespace: namespace)
    }

    /// The password in the separate element, which libvirt returns without its namespace.
    package static func text(ofElement xml: String) -> String? {
        // libvirt extracts the element from the domain's XML, so it is well-formed.
        password(try? XMLDocument(parsing: xml).root.text)
    }

    /// The element for a password, without its namespace, which libvirt adds.
    package static func xml(for password: String) -> String {
        "<\(name)>\(XMLEscaping.content(password))</\(name)>"
    }

    private static func password(_ text: String?) -> String? {
        text?.isEmpty == false ? text : nil
    }
}
