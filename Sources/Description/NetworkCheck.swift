import XML

/// A file of libvirt network XML, as `check` reads it.
package enum NetworkCheck {
    /// Whether the outermost element is `<network>`; false where the text is no XML.
    package static func isNetwork(_ xml: [UInt8]) -> Bool {
        (try? InstanceAssembly.document(xml).root.name) == "network"
    }

    /// The values that libvirt refuses, or that no guest can use.
    ///
    /// - Throws: ``DescriptionError`` where it is no usable network.
    package static func findings(in xml: [UInt8]) throws(DescriptionError) -> [Finding] {
        let root = try InstanceAssembly.document(xml).root
        return (try NetworkXML(root).findings + NetworkMetadata.findings(in: root)).ordered()
    }
}
