package import Common

/// Parses YAML (1.1, as libyaml implements it) into a tree.
package enum YAMLDocument {
    /// The limit of values in a document, counted again for each alias: nothing else limits ten aliases of ten aliases, and so
    /// on.
    private static let mostNodes = 100_000
    /// The limit of nesting: reading recurses.
    private static let maximumDepth = 64

    /// The only document of a text; `nil` if there is none.
    ///
    /// - Throws: ``ParseError`` with the line of the first error.
    package static func root(of bytes: [UInt8]) throws(ParseError) -> YAMLNode? {
        var reading = Reading(events: YAMLEvents(bytes))
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
        var reading = Reading(events: YAMLEvents(bytes), mostDuplicates: 100)
        defer { duplicates = reading.duplicates }
        return try reading.document()
    }

    private struct Sized {
        let node: YAMLNode
        let count: Int
    }

    private struct Reading {
        let events: YAMLEvents
        /// 0 where a duplicate key is an error.
        var mostDuplicates = 0
        var duplicates: [DuplicateKey] = []
        var anchors: [String: Sized] = [:]

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

        private mutating func value(_ event: YAMLEvents.Event, _ line: Int, depth: Int) throws(ParseError) -> Sized {
            guard depth < maximumDepth else {
                throw ParseError(.tooDeep, line: line, problem: "values are nested more than \(maximumDepth) deep")
            }
            let (found, anchor): (Sized, String?)
            switch event {
            case .alias(let name):
                guard let known = anchors[name] else {
                    throw ParseError(.malformed, line: line, problem: "unknown anchor '\(name)'")
                }
                return known
            case .scalar(let text, let isPlain, let properties):
                let node = YAMLNode(content: .scalar(text, isPlain: isPlain), line: line, tag: properties.tag)
                (found, anchor) = (Sized(node: node, count: 1), properties.anchor)
            case .sequenceStart(let properties): (found, anchor) = (try sequence(line, depth, properties.tag), properties.anchor)
            case .mappingStart(let properties): (found, anchor) = (try mapping(line, depth, properties.tag), properties.anchor)
            default: throw ParseError(.malformed, line: line, problem: "expected a value")
            }
            if let anchor { anchors[anchor] = found }
            return found
        }

        private mutating func sequence(_ line: Int, _ depth: Int, _ tag: String?) throws(ParseError) -> Sized {
            var (items, count): ([YAMLNode], Int) = ([], 1)
            while true {
                let (event, itemLine) = try events.next()
                if case .sequenceEnd = event {
                    return Sized(node: YAMLNode(content: .sequence(items), line: line, tag: tag), count: count)
                }
                items.append(try counted(value(event, itemLine, depth: depth + 1), in: &count, itemLine))
            }
        }

        private mutating func mapping(_ line: Int, _ depth: Int, _ tag: String?) throws(ParseError) -> Sized {
            var (entries, count, lines): ([YAMLNode.Entry], Int, [String: Int]) = ([], 1, [:])
            while true {
                let (event, keyLine) = try events.next()
                if case .mappingEnd = event {
                    return Sized(node: YAMLNode(content: .mapping(entries), line: line, tag: tag), count: count)
                }
                let key = try counted(value(event, keyLine, depth: depth + 1), in: &count, keyLine)
                if let text = key.text {
                    if let first = lines[text] {
                        guard mostDuplicates > 0 else {
                            throw ParseError(
                                .duplicateName, line: keyLine, problem: "duplicate key '\(text)', first in line \(first)")
                        }
                        if text != "<<", duplicates.count < mostDuplicates {
                            duplicates.append(.init(key: text, line: keyLine, first: first))
                        }
                    }
                    lines[text] = keyLine
                }
                let (next, valueLine) = try events.next()
                entries.append(
                    .init(key: key, value: try counted(value(next, valueLine, depth: depth + 1), in: &count, valueLine)))
            }
        }

        private func counted(_ value: Sized, in count: inout Int, _ line: Int) throws(ParseError) -> YAMLNode {
            count += value.count
            guard count <= mostNodes else {
                throw ParseError(.tooMany, line: line, problem: "more than \(mostNodes) values, including aliases")
            }
            return value.node
        }
    }
}
