import Common

/// What an element of the operator's XML may contain.
extension Vocabulary {
    enum Form: Equatable {
        /// Other elements.
        case elements
        /// Nothing: its attributes say everything.
        case attributes
        /// Arbitrary bytes or a key, whose readers look at their form themselves.
        case bytes
        case json
        /// Text of any number of lines.
        case text
        /// One line of text.
        case line
    }

    static func form(of element: String, in parent: String) -> Form {
        if element == root || children[element] != nil { return .elements }
        switch (parent, element) {
        case (_, "route"), (_, "member"), (_, "imds"), (_, "dhcp4-overrides"), (_, "dhcp6-overrides"): return .attributes
        case (_, "key"): return .bytes
        case ("tags", "tag"): return .text
        case ("spot", "instance-action"), ("maintenance", _), ("recommendations", _), ("iam", _): return .json
        default: return holdsBytes.contains(element) ? .bytes : .line
        }
    }

    /// The attributes that an element may have.
    static func knownAttributes(of element: String, in parent: String) -> Set<String> {
        var known = attributes[element] ?? []
        if let key = key(of: element, in: parent) { known.insert(key) }
        if holdsBytes.contains(element) { known.insert("encoding") }
        if element == "key" { known.insert("format") }
        return known
    }

    /// The most elements of one name in a parent; `nil` where the size of the document is the limit.
    ///
    /// Documents of the guest's network are made for each link from all of its values together, so what one domain's author writes must
    /// not keep others' guests waiting. A guest has some VLANs and addresses, not thousands.
    static func most(of element: String, in parent: String) -> Int? {
        switch (parent, element) {
        case ("interfaces", "interface"): DomainXML.mostInterfaces
        case ("interfaces", _): mostLinks
        case ("interface", _), ("bond", _), ("vlan", _): mostOfLink
        default: nil
        }
    }

    /// The most bonds of a domain, and the most VLANs.
    static let mostLinks = 512
    /// The most addresses, routes, name servers and the like of a link.
    static let mostOfLink = 256
    /// The same of all links together: each document about them has them all.
    static let mostOfLinks = 4096
    /// The elements that are links.
    static let links: Set<String> = ["interface", "bond", "vlan"]

    /// Whether a namespace is probably meant to be that of the operator's element.
    static func isMisspelt(_ namespace: String) -> Bool {
        namespace != Self.namespace
            && (namespace.hasPrefix("urn:virt-metadata:instance:") || nearestWord(to: namespace, among: [Self.namespace]) != nil)
    }
}
