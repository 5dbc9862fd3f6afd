package import Common

/// Parses YAML (1.1, as libyaml implements it) into a tree.
package enum YAMLDocument {
    /// The limit of values in a document, counted again for each alias: nothing else limits ten aliases of ten aliases, and so
    /// on.
    private static let mostNodes = 100_000
    /// The limit of the text that aliases repeat, in bytes: a value may be as long as the document, and each reader of the tree visits it
    /// again for each alias.
    package static let mostRepeatedText = 4 << 20
    /// The limit of tag directives: libyaml compares each with all others, and no document needs more than one or two.
    package static let mostTagDirectives = 64
    /// The limit of nesting: reading recurses.
    private static let maximumDepth = 64

    /// The only document of a text; `nil` if there is none.
    ///
    /// - Throws: ``ParseError`` with the line of the first error.
    package static func root(of bytes: [UInt8]) throws(ParseError) -> YAMLNode? {
        var reading = try Reading(bytes)
        return try reading.document()
    }

    /// A key that a mapping has already.
    package struct DuplicateKey: Sendable, Equatable {
        package let key: String
        package let line: Int
        /// The line of the earlier one.
        package let first: Int
    }

    /// The only document of a text, read as PyYAML reads it: a mapping may have duplicate keys, of which the last one counts.
    ///
    /// - Parameter duplicates: receives the first hundred of them. A merge key (`<<`) is none.
    /// - Throws: ``ParseError`` with the line of the first error.
    package static func root(of bytes: [UInt8], duplicates: inout [DuplicateKey]) throws(ParseError) -> YAMLNode? {
        var reading = try Reading(bytes, mostDuplicates: 100)
        defer { duplicates = reading.duplicates }
        return try reading.document()
    }

    /// How many values a value has, itself and those in it, and how many bytes their texts have.
    private struct Size {
        var values = 1
        var bytes = 0
    }

    private struct Sized {
        let node: YAMLNode
        let size: Size
    }

    private static func checkDirectives(of bytes: [UInt8]) throws(ParseError) {
        var count = 0
        for index in bytes.indices where bytes[index] == UInt8(ascii: "%") && bytes[index...].starts(with: "%TAG".utf8) {
            count += 1
            guard count <= mostTagDirectives else {
                let line = bytes[..<index].count { $0 == UInt8(ascii: "\n") } + 1
                throw ParseError(.tooMany, line: line, problem: "more than \(mostTagDirectives) directives %TAG")
            }
        }
    }

    private struct Reading {
        let events: YAMLEvents
        /// 0 where a duplicate key is an error.
        let mostDuplicates: Int
        var duplicates: [DuplicateKey] = []
        var anchors: [String: Sized] = [:]
        /// How many bytes of text aliases have repeated.
        var repeated = 0

        init(_ bytes: [UInt8], mostDuplicates: Int = 0) throws(ParseError) {
            try YAMLDocument.checkDirectives(of: bytes)
            (events, self.mostDuplicates) = (YAMLEvents(bytes), mostDuplicates)
        }

        mutating func document() throws(ParseError) -> YAMLNode? {
            var root: YAMLNode?
            while true {
                let (event, line) = try events.next()
                switch event {
                case .documentStart where root != nil:
                    throw ParseError(.malformed, line: line, problem: "more than one document")
                case .streamEnd: return root
                case .alias, .scalar, .sequenceStart, .mappingStart: root = try value(event, line, depth: 0).node
                default: continue
                }
            }
        }

        /// A text for errors: a key may be as long as the document.
        private static func shown(_ text: String) -> String {
            let beginning = text.unicodeScalars.prefix(40)
            return beginning.endIndex < text.unicodeScalars.endIndex ? String(beginning) + "…" : text
        }

        private mutating func value(_ event: YAMLEvents.Event, _ line: Int, depth: Int) throws(ParseError) -> Sized {
            guard depth < maximumDepth else {
                throw ParseError(.tooDeep, line: line, problem: "values are nested more than \(maximumDepth) deep")
            }
            let (found, anchor): (Sized, String?)
            switch event {
            case .alias(let name):
                guard let known = anchors[name] else {
                    throw ParseError(.malformed, line: line, problem: "unknown anchor '\(Self.shown(name))'")
                }
                repeated += known.size.bytes
                guard repeated <= mostRepeatedText else {
                    throw ParseError(
                        .tooMany, line: line, problem: "aliases repeat more than \(mostRepeatedText >> 20) MiB of text")
                }
                return known
            case .scalar(let text, let isPlain, let properties):
                let node = YAMLNode(content: .scalar(text, isPlain: isPlain), line: line, tag: properties.tag)
                (found, anchor) = (Sized(node: node, size: Size(bytes: text.utf8.count)), properties.anchor)
            case .sequenceStart(let properties): (found, anchor) = (try sequence(line, depth, properties.tag), properties.anchor)
            case .mappingStart(let properties): (found, anchor) = (try mapping(line, depth, properties.tag), properties.anchor)
            default: throw ParseError(.malformed, line: line, problem: "expected a value")
            }
            if let anchor { anchors[anchor] = found }
            return found
        }

        private mutating func sequence(_ line: Int, _ depth: Int, _ tag: String?) throws(ParseError) -> Sized {
            var (items, size): ([YAMLNode], Size) = ([], Size())
            while true {
                let (event, itemLine) = try events.next()
                if case .sequenceEnd = event {
                    return Sized(node: YAMLNode(content: .sequence(items), line: line, tag: tag), size: size)
                }
                items.append(try counted(value(event, itemLine, depth: depth + 1), in: &size, itemLine))
            }
        }

        private mutating func mapping(_ line: Int, _ depth: Int, _ tag: String?) throws(ParseError) -> Sized {
            var (entries, size, lines): ([YAMLNode.Entry], Size, [String: Int]) = ([], Size(), [:])
            while true {
                let (event, keyLine) = try events.next()
                if case .mappingEnd = event {
                    return Sized(node: YAMLNode(content: .mapping(entries), line: line, tag: tag), size: size)
                }
                let key = try counted(value(event, keyLine, depth: depth + 1), in: &size, keyLine)
                if let text = key.text {
                    if let first = lines[text] {
                        guard mostDuplicates > 0 else {
                            throw ParseError(
                                .duplicateName, line: keyLine,
                                problem: "duplicate key '\(Self.shown(text))', first in line \(first)")
                        }
                        if text != "<<", duplicates.count < mostDuplicates {
                            duplicates.append(.init(key: text, line: keyLine, first: first))
                        }
                    }
                    lines[text] = keyLine
                }
                let (next, valueLine) = try events.next()
                entries.append(
                    .init(key: key, value: try counted(value(next, valueLine, depth: depth + 1), in: &size, valueLine)))
            }
        }

        private func counted(_ value: Sized, in size: inout Size, _ line: Int) throws(ParseError) -> YAMLNode {
            size.values += value.size.values
            size.bytes += value.size.bytes
            guard size.values <= mostNodes else {
                throw ParseError(.tooMany, line: line, problem: "more than \(mostNodes) values, including aliases")
            }
            return value.node
        }
    }
}
