package import Common
import XML

/// A value that is told to many, at its path, with its line in the configuration file.
package struct SharedValue: Sendable, Equatable {
    package let path: ElementPath
    package let value: [UInt8]
    /// Whether the value follows those of the same path, instead of replacing them.
    package let adds: Bool
    /// The attributes of the element, besides its key.
    package let attributes: [Tag]
    package let line: Int

    package init(_ path: ElementPath, _ value: [UInt8], adds: Bool = false, attributes: [Tag] = [], line: Int) {
        (self.path, self.value, self.adds, self.attributes, self.line) = (path, value, adds, attributes, line)
    }
}

/// Values that are told to many as one XML element, which the reader of domains' elements reads: so a value is valid for many if it is
/// for one. Each line of the XML belongs to one value.
struct SharedElement {
    private final class Element {
        let name: String
        let key: (name: String, value: String)?
        var attributes: [(name: String, value: String)] = []
        var children: [Element] = []
        /// Escaped, or base64.
        var content = ""
        /// The value that is here, or the first one below.
        let value: Int

        init(_ name: String, _ key: (name: String, value: String)?, _ value: Int) {
            (self.name, self.key, self.value) = (name, key, value)
        }
    }

    /// The element; `nil` where there are no values.
    private(set) var text: String?
    /// The values that can be written as XML.
    let values: [SharedValue]
    /// The index of the value on each line of the text, from line 1.
    private var owners: [Int] = []

    /// - Parameter reject: gets each value that XML cannot hold, with the reason.
    init(_ values: [SharedValue], reject: (SharedValue, String) -> Void) {
        self.values = values
        let root = Element(Vocabulary.root, nil, 0)
        for (index, value) in values.enumerated() {
            if let reason = Self.put(value, index, below: root) { reject(value, reason) }
        }
        guard !root.children.isEmpty else { return }
        text = ""
        write(root)
    }

    /// The value of which a line of the text is.
    func value(atLine line: Int) -> SharedValue? { owner(ofLine: line).map { values[$0] } }

    /// The index of that value.
    func owner(ofLine line: Int) -> Int? { owners.indices.contains(line - 1) ? owners[line - 1] : nil }

    /// - Returns: why it cannot be put there.
    private static func put(_ value: SharedValue, _ index: Int, below root: Element) -> String? {
        let (steps, texts) = (value.path.steps, value.path.steps.compactMap(\.key) + value.attributes.map(\.value))
        guard texts.allSatisfy({ $0.unicodeScalars.allSatisfy(XMLEscaping.canHold) }) else {
            return "the path has characters that XML cannot hold"
        }
        let written: (content: String, encoding: String?)
        do throws(ElementPath.Failure) {
            written = try InstanceElement.written(value.value, as: value.path.attribute == nil ? steps.last?.name : nil)
        } catch {
            return error.description
        }
        var parent = root
        for (depth, step) in steps.enumerated() {
            let key = Vocabulary.key(of: step.name, in: parent.name).flatMap { name in step.key.map { (name, $0) } }
            let isValue = depth == steps.count - 1 && value.path.attribute == nil
            let found = parent.children.firstIndex { $0.name == step.name && $0.key?.value == key?.1 }
            if let found, !isValue {
                parent = parent.children[found]
                continue
            }
            // A later value of a path replaces the earlier ones.
            if isValue, !value.adds { parent.children.removeAll { $0.name == step.name && $0.key?.value == key?.1 } }
            let element = Element(step.name, key, index)
            parent.children.append(element)
            parent = element
        }
        if let attribute = value.path.attribute {
            parent.attributes.removeAll { $0.name == attribute }
            parent.attributes.append((attribute, String(decoding: value.value, as: UTF8.self)))
        } else {
            // One line, because the lines of the text are counted.
            parent.content = written.encoding == nil ? written.content : written.content.filter { $0 != "\n" }
            parent.attributes += written.encoding.map { [("encoding", $0)] } ?? []
            parent.attributes += value.attributes.map { ($0.name, $0.value) }
        }
        return nil
    }

    private mutating func write(_ element: Element) {
        let attributes = ([element.key].compactMap(\.self) + element.attributes).map {
            " \($0.name)='\(XMLEscaping.attribute($0.value))'"
        }
        append("<\(element.name)\(attributes.joined())>\(element.content)", element.value)
        if !element.children.isEmpty { append("\n", element.value) }
        for child in element.children { write(child) }
        append("</\(element.name)>\n", element.value)
    }

    private mutating func append(_ piece: String, _ owner: Int) {
        text?.append(piece)
        owners += repeatElement(owner, count: piece.utf8.count { $0 == UInt8(ascii: "\n") })
    }
}
