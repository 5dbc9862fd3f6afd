package import Common
import XML

/// The operator's element of a domain, without its namespace, as libvirt returns and accepts it.
package struct InstanceElement: Sendable, Equatable {
    /// A value for a path.
    package struct Assignment: Sendable, Equatable {
        package let path: ElementPath
        /// The bytes that the guest receives.
        package let value: [UInt8]
        /// Whether to add the value to those of the same name, if none of them equals it, instead of replacing them.
        package let adds: Bool
        package init(path: ElementPath, value: [UInt8], adds: Bool = false) {
            (self.path, self.value, self.adds) = (path, value, adds)
        }
    }

    /// The element's namespace in libvirt's XML.
    package static let namespace = Vocabulary.namespace
    /// The prefix that libvirt writes for the namespace.
    package static let prefix = "vm"

    /// The element; `nil` where there is none.
    package private(set) var text: String?

    package init(_ text: String?) {
        self.text = text
    }

    /// The element with its namespace, as in a domain's XML.
    package var namespaced: String? {
        get throws(ParseError) {
            try text.map { text throws(ParseError) in try XMLPrefix.added(Self.prefix, for: Self.namespace, to: text) }
        }
    }

    /// Writes a value.
    ///
    /// - Throws: ``ElementPath/Failure`` where the value cannot be written at its path; ``ParseError`` where the element is not XML.
    package mutating func set(_ assignment: Assignment) throws {
        var edited = try EditedXML(Array((text ?? "<\(Vocabulary.root)/>").utf8))
        // What is put below it would have that namespace too.
        if let other = edited.root.namespace {
            throw ElementPath.Failure(
                "<\(Vocabulary.root)> declares the default namespace '\(shown(other))': remove it with `virsh edit`")
        }
        var parent = edited.root
        let (path, steps) = (assignment.path, assignment.path.steps)
        for (index, step) in steps.dropLast(path.attribute == nil ? 1 : 0).enumerated() {
            if Self.matches(of: step, below: parent).isEmpty {
                try edited.append("<\(step.name)\(try Self.keyAttribute(of: step, in: parent.name))/>", to: parent)
            }
            guard let next = Self.element(at: steps[...index], of: edited.root) else {
                throw ElementPath.Failure("<\(step.name)> cannot be added to <\(shown(parent.name))>")
            }
            parent = next
        }
        if let attribute = path.attribute {
            let value = try Self.plainText(of: assignment)
            if parent.attribute(attribute) == value { return }
            try edited.setAttribute(attribute, of: parent, to: value)
        } else if let last = steps.last {
            if assignment.adds, try hasValue(of: assignment) { return }
            let content = try Self.content(of: assignment)
            let fragment = "<\(last.name)\(try Self.keyAttribute(of: last, in: parent.name))\(content)</\(last.name)>"
            let old = Self.elements(at: steps[...], of: edited.root)
            if !assignment.adds, old.count == 1, let only = old.first, try Self.isWritten(fragment, as: only) { return }
            try Self.put(fragment, for: last, adds: assignment.adds, at: steps.dropLast(), in: &edited)
        }
        text = edited.text
    }

    /// Removes everything at a path, and elements that become empty.
    ///
    /// - Returns: whether anything was removed.
    package mutating func unset(_ path: ElementPath) throws(ParseError) -> Bool {
        guard let text else { return false }
        var edited = try EditedXML(Array(text.utf8))
        var found = false
        if let attribute = path.attribute {
            guard let element = Self.element(at: path.steps[...], of: edited.root), element.attribute(attribute) != nil else {
                return false
            }
            try edited.setAttribute(attribute, of: element, to: nil)
            found = true
        } else {
            let elements = Self.elements(at: path.steps[...], of: edited.root)
            try edited.remove(elements)
            found = !elements.isEmpty
        }
        guard found else { return false }
        for count in stride(from: path.steps.count - (path.attribute == nil ? 1 : 0), to: 0, by: -1) {
            guard let parent = Self.element(at: path.steps[..<count], of: edited.root) else { continue }
            let keys = count > 1 ? path.steps[count - 2].name : Vocabulary.root
            let key = Vocabulary.key(of: parent.name, in: keys)
            guard !parent.hasChildElements, parent.trimmedText.isEmpty, parent.attributes.allSatisfy({ $0 == key }) else { break }
            try edited.remove(parent)
        }
        self.text = edited.root.hasChildElements ? edited.text : nil
        return true
    }

    /// The elements at a path as written, or the attribute's value; `nil` where there is none.
    package func written(at path: ElementPath) throws(ParseError) -> String? {
        guard let text else { return nil }
        let document = try EditedXML(Array(text.utf8))
        let elements = Self.elements(at: path.steps[...], of: document.root)
        guard let first = elements.first else { return nil }
        guard let attribute = path.attribute else { return elements.map(document.text).joined(separator: "\n") }
        return first.attribute(attribute)
    }

    private static func put(
        _ fragment: String, for step: ElementPath.Step, adds: Bool, at steps: ArraySlice<ElementPath.Step>,
        in edited: inout EditedXML
    ) throws(ParseError) {
        func parent() -> XMLElement { element(at: steps, of: edited.root) ?? edited.root }
        if adds { return try edited.append(fragment, to: parent()) }
        try edited.remove(Array(matches(of: step, below: parent()).dropFirst()))
        guard let old = matches(of: step, below: parent()).first else { return try edited.append(fragment, to: parent()) }
        try edited.replace(old, by: fragment)
    }

    /// All elements at a path; of its earlier steps the first matching element.
    static func elements(at steps: ArraySlice<ElementPath.Step>, of root: XMLElement) -> [XMLElement] {
        guard let last = steps.last else { return [root] }
        return element(at: steps.dropLast(), of: root).map { matches(of: last, below: $0) } ?? []
    }

    private static func element(at steps: ArraySlice<ElementPath.Step>, of root: XMLElement) -> XMLElement? {
        steps.reduce(root) { parent, step in parent.flatMap { matches(of: step, below: $0).first } }
    }

    private static func matches(of step: ElementPath.Step, below parent: XMLElement) -> [XMLElement] {
        let key = Vocabulary.key(of: step.name, in: parent.name)
        return parent.children.filter { child in
            child.name == step.name && child.namespace == nil
                && (step.key == nil || key.flatMap { child.attribute($0) }.map { isSame($0, step.key ?? "", as: key) } == true)
        }
    }

    /// Whether one of the elements at a path has the value already.
    private func hasValue(of assignment: Assignment) throws -> Bool {
        guard let text else { return false }
        let elements = Self.elements(at: assignment.path.steps[...], of: try EditedXML(Array(text.utf8)).root)
        let value = String(decoding: assignment.value, as: UTF8.self)
        return elements.contains { $0.trimmedText == value.trimmingWhitespace() }
    }

    /// Whether an element says what a fragment says: libvirt changes quotes.
    private static func isWritten(_ fragment: String, as element: XMLElement) throws(ParseError) -> Bool {
        let new = try XMLDocument(parsing: Array(fragment.utf8)).root
        return Set(new.attributes) == Set(element.attributes)
            && new.attributes.allSatisfy { new.attribute($0) == element.attribute($0) }
            && new.text == element.text && !element.hasChildElements
    }

    /// Compares MAC addresses case-insensitively.
    private static func isSame(_ left: String, _ right: String, as key: String?) -> Bool {
        key == "mac" ? left.lowercased() == right.lowercased() : left == right
    }

    private static func keyAttribute(of step: ElementPath.Step, in parent: String) throws(ElementPath.Failure) -> String {
        guard let name = Vocabulary.key(of: step.name, in: parent), let key = step.key else { return "" }
        guard key.unicodeScalars.allSatisfy(XMLEscaping.canHold) else {
            throw ElementPath.Failure("'\(shown(key))' has characters that XML cannot hold")
        }
        return " \(name)='\(XMLEscaping.attribute(key))'"
    }

    private static func plainText(of assignment: Assignment) throws(ElementPath.Failure) -> String {
        guard let text = String(validating: assignment.value, as: UTF8.self),
            text.unicodeScalars.allSatisfy(XMLEscaping.canHold)
        else {
            throw ElementPath.Failure("the value has bytes that XML cannot hold")
        }
        return text
    }

    /// The rest of an element after its name and key, up to its end tag: text where text preserves exactly these bytes, else base64.
    private static func content(of assignment: Assignment) throws(ElementPath.Failure) -> String {
        let written = try written(assignment.value, as: assignment.path.steps.last?.name)
        return (written.encoding.map { " encoding='\($0)'>" } ?? ">") + written.content
    }

    /// The content of an element, and its attribute `encoding`: text where text preserves exactly these bytes, else base64.
    static func written(
        _ value: [UInt8], as name: String?
    ) throws(ElementPath.Failure) -> (content: String, encoding: String?) {
        let text = String(validating: value, as: UTF8.self).flatMap { text in
            text.unicodeScalars.allSatisfy(XMLEscaping.canHold) ? text : nil
        }
        guard let name, Vocabulary.holdsBytes.contains(name) else {
            guard let text else { throw ElementPath.Failure("the value has bytes that XML cannot hold") }
            return (XMLEscaping.content(text), nil)
        }
        if let text, textBlock(text).utf8.elementsEqual(value) { return (XMLEscaping.content(text), nil) }
        return (base64(value), "base64")
    }
}
