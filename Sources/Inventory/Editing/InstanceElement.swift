import Common
public import XML

/// The operator's element of one domain as it is edited: without its namespace, as libvirt gives and takes it.
public struct InstanceElement: Sendable, Equatable {
    /// A value and where it goes.
    public struct Assignment: Sendable, Equatable {
        /// Where it goes.
        public let path: ElementPath
        /// Its bytes, as the guest is to have them.
        public let value: [UInt8]
        /// Whether it stands beside what is there already, and not in its place.
        public let adds: Bool

        /// Puts a value to a path.
        public init(path: ElementPath, value: [UInt8], adds: Bool = false) {
            (self.path, self.value, self.adds) = (path, value, adds)
        }
    }

    /// The namespace that libvirt keeps it in.
    public static let namespace = Vocabulary.namespace
    /// The prefix that libvirt writes for the namespace.
    public static let prefix = "vm"

    /// The element; `nil` where there is none.
    public private(set) var text: String?

    /// Begins with what libvirt has.
    public init(_ text: String?) {
        self.text = text
    }

    /// The element with its namespace, as it stands in a domain's XML.
    public var namespaced: String? {
        get throws(XMLError) {
            guard let text else { return nil }
            var edited = try EditedXML(Array(text.utf8))
            try edited.setAttribute("xmlns", of: edited.root, to: Self.namespace)
            return edited.text
        }
    }

    /// Writes a value.
    ///
    /// - Throws: ``ElementPath/Failure`` where it cannot be written there; ``XMLError`` where what stands there is no XML.
    public mutating func set(_ assignment: Assignment) throws {
        var edited = try EditedXML(Array((text ?? "<\(Vocabulary.root)/>").utf8))
        var parent = edited.root
        let (path, steps) = (assignment.path, assignment.path.steps)
        for (index, step) in steps.dropLast(path.attribute == nil ? 1 : 0).enumerated() {
            if Self.matches(of: step, below: parent).isEmpty {
                try edited.append("<\(step.name)\(try Self.keyAttribute(of: step, in: parent.name))/>", to: parent)
            }
            guard let next = Self.element(at: steps[...index], of: edited.root) else { preconditionFailure("It was put there.") }
            parent = next
        }
        if let attribute = path.attribute {
            try edited.setAttribute(attribute, of: parent, to: try Self.plainText(of: assignment))
        } else if let last = steps.last {
            let content = try Self.content(of: assignment)
            let fragment = "<\(last.name)\(try Self.keyAttribute(of: last, in: parent.name))\(content)</\(last.name)>"
            try Self.put(fragment, for: last, adds: assignment.adds, at: steps.dropLast(), in: &edited)
        }
        text = edited.text
    }

    /// Takes away all that a path leads to, and the elements that have nothing left in them.
    ///
    /// - Returns: whether there was anything.
    public mutating func unset(_ path: ElementPath) throws(XMLError) -> Bool {
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
            while let element = Self.element(at: path.steps[...], of: edited.root) {
                try edited.remove(element)
                found = true
            }
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

    /// The bytes of the elements that a path leads to as they are written, or the attribute's value; `nil` where there is none.
    public func written(at path: ElementPath) throws(XMLError) -> String? {
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
    ) throws(XMLError) {
        func parent() -> XMLElement { element(at: steps, of: edited.root) ?? edited.root }
        if adds { return try edited.append(fragment, to: parent()) }
        while matches(of: step, below: parent()).count > 1, let last = matches(of: step, below: parent()).last {
            try edited.remove(last)
        }
        guard let old = matches(of: step, below: parent()).first else { return try edited.append(fragment, to: parent()) }
        try edited.replace(old, by: fragment)
    }

    /// All elements that a path leads to, by the first of each name on the way.
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

    /// Hardware addresses are the same in either case.
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

    /// What follows the name and key of an element, up to its end tag: text where text says exactly this, else base64.
    private static func content(of assignment: Assignment) throws(ElementPath.Failure) -> String {
        guard let word = assignment.path.steps.last?.name, Vocabulary.holdsBytes.contains(word) else {
            return ">" + XMLEscaping.content(try plainText(of: assignment))
        }
        if let text = String(validating: assignment.value, as: UTF8.self),
            text.unicodeScalars.allSatisfy(XMLEscaping.canHold), textBlock(text).utf8.elementsEqual(assignment.value)
        {
            return ">" + XMLEscaping.content(text)
        }
        return " encoding='base64'>" + base64(assignment.value)
    }
}
