internal import CYAML
import Common

/// The events of libyaml's parser for a text.
final class YAMLEvents {
    enum Event {
        case alias(String)
        case scalar(String, isPlain: Bool, Properties)
        case sequenceStart(Properties)
        case sequenceEnd
        case mappingStart(Properties)
        case mappingEnd
        case documentStart
        case streamEnd
        /// An event without a value.
        case other
    }

    /// What may stand before a value.
    struct Properties {
        let anchor: String?
        /// The complete tag: `tag:yaml.org,2002:str` for `!!str`.
        let tag: String?
    }

    private let parser: YAMLParser?

    init(_ text: [UInt8]) { parser = YAMLParser(text) }

    /// The next event and its line, from 1. Must not be called after the end of the stream.
    func next() throws(ParseError) -> (event: Event, line: Int) {
        guard let parser else { throw ParseError(.malformed, line: 1, problem: "yaml_parser_initialize failed") }
        var event = unsafe yaml_event_t()
        guard unsafe parser.use({ parser, _ in unsafe yaml_parser_parse(parser, &event) }) == 1 else {
            throw unsafe parser.use { unsafe Self.error(of: $0, in: $1) }
        }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe (Self.event(event), Int(event.start_mark.line) + 1)
    }

    private static func event(_ event: yaml_event_t) -> Event {
        switch unsafe event.type {
        case YAML_ALIAS_EVENT: .alias(unsafe text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            .scalar(
                unsafe String(
                    decoding: UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length), as: UTF8.self),
                isPlain: unsafe event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                unsafe Properties(anchor: text(event.data.scalar.anchor), tag: text(event.data.scalar.tag)))
        case YAML_SEQUENCE_START_EVENT:
            .sequenceStart(
                unsafe Properties(anchor: text(event.data.sequence_start.anchor), tag: text(event.data.sequence_start.tag)))
        case YAML_SEQUENCE_END_EVENT: .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            .mappingStart(
                unsafe Properties(anchor: text(event.data.mapping_start.anchor), tag: text(event.data.mapping_start.tag)))
        case YAML_MAPPING_END_EVENT: .mappingEnd
        case YAML_DOCUMENT_START_EVENT: .documentStart
        case YAML_STREAM_END_EVENT: .streamEnd
        default: .other
        }
    }

    /// The error at which libyaml's parser stopped.
    private static func error(
        of parser: UnsafeMutablePointer<yaml_parser_t>, in bytes: UnsafeMutableBufferPointer<UInt8>
    ) -> ParseError {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "it cannot be read"
        // libyaml gives only the offset of a character that YAML does not allow.
        let line =
            unsafe parser.pointee.error == YAML_READER_ERROR
            ? unsafe bytes.prefix(parser.pointee.problem_offset).count { $0 == UInt8(ascii: "\n") }
            : unsafe Int(parser.pointee.problem_mark.line)
        return ParseError(.malformed, line: line + 1, problem: problem)
    }
}
