/// The name of an object of libvirt, such as a network, as libvirt compares it: byte for byte.
///
/// Swift's strings are equal where Unicode calls them canonically equivalent: `ü` is one character or two. To libvirt these are two
/// networks, which may belong to different people.
package struct LibvirtName: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: LibvirtName, right: LibvirtName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension LibvirtName: CustomStringConvertible {
    package var description: String { text }
}

extension LibvirtName: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}
