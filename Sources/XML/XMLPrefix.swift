package import Common

/// The two forms of an element in a namespace: in a document each of its tags has a prefix; libvirt's functions for metadata return and
/// accept it without a namespace.
package enum XMLPrefix {
    /// An element without a namespace, as it is written into a document: with a prefix on each tag that has none, which programs keep
    /// that rewrite namespaces, such as virt-manager.
    ///
    /// Where the element declares a namespace of its own for tags without a prefix, or uses the prefix, it gets a default namespace
    /// instead.
    ///
    /// - Throws: ``ParseError`` where the element is not well formed.
    package static func added(_ prefix: String, for namespace: String, to element: String) throws(ParseError) -> String {
        let bytes = Array(element.utf8)
        var (result, rest, isFirst) = ([UInt8](), 0, true)
        for tag in tags(of: bytes) {
            if tag.kind != .endTag, ["xmlns", "xmlns:\(prefix)"].contains(where: { tag.attribute($0, in: bytes.span) != nil }) {
                var edited = try EditedXML(bytes)
                try edited.setAttribute("xmlns", of: edited.root, to: namespace)
                return edited.text
            }
            let name = name(of: tag, in: bytes)
            guard !bytes[name].contains(UInt8(ascii: ":")) else { continue }
            result += bytes[rest..<name.lowerBound] + Array("\(prefix):".utf8) + bytes[name]
            if isFirst { result += Array(" xmlns:\(prefix)='\(XMLEscaping.attribute(namespace))'".utf8) }
            (rest, isFirst) = (name.upperBound, false)
        }
        return String(decoding: result + bytes[rest...], as: UTF8.self)
    }

    /// An element of a document without the namespace of its outermost tag: the reverse of ``added(_:for:to:)``.
    ///
    /// - Parameter element: the element's bytes in the document.
    package static func removed(from element: String) -> String {
        let bytes = Array(element.utf8)
        var (result, rest) = ([UInt8](), 0)
        guard let first = tags(of: bytes).first else { return element }
        let prefix = bytes[name(of: first, in: bytes)].prefix { $0 != UInt8(ascii: ":") }
        let isPrefixed = prefix.count < name(of: first, in: bytes).count
        let declaration = isPrefixed ? "xmlns:" + String(decoding: prefix, as: UTF8.self) : "xmlns"
        for tag in tags(of: bytes) {
            let name = name(of: tag, in: bytes)
            if isPrefixed, bytes[name].starts(with: prefix + [UInt8(ascii: ":")]) {
                result += bytes[rest..<name.lowerBound]
                rest = name.lowerBound + prefix.count + 1
            }
            if tag.range == first.range, let attribute = tag.attribute(declaration, in: bytes.span) {
                result += bytes[rest..<attribute.range.lowerBound]
                rest = attribute.range.upperBound
            }
        }
        return String(decoding: result + bytes[rest...], as: UTF8.self)
    }

    private static func tags(of bytes: [UInt8]) -> [XMLToken] {
        var (tags, offset) = ([XMLToken](), 0)
        while offset < bytes.count {
            let token = XMLToken(at: offset, in: bytes.span)
            if [.startTag, .emptyTag, .endTag].contains(token.kind) { tags.append(token) }
            offset = token.range.upperBound
        }
        return tags
    }

    /// The name in a tag including its prefix.
    private static func name(of tag: XMLToken, in bytes: [UInt8]) -> Range<Int> {
        guard tag.kind == .endTag else { return tag.name(in: bytes.span) }
        let start = tag.range.lowerBound + 2
        let end = bytes[start..<tag.range.upperBound].firstIndex { XMLToken.isBlank($0) || $0 == UInt8(ascii: ">") }
        return start..<(end ?? tag.range.upperBound)
    }
}
