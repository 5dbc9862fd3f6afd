internal import CYAML
import Common

/// The events of libyaml's parser for a text.
@safe final class YAMLEvents {
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

    // Safe: both are allocated here and freed by `deinit`. The parser points into itself and into the bytes, so neither is moved.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let isReady: Bool

    init(_ text: [UInt8]) {
        unsafe bytes = .allocate(capacity: text.count)
        _ = unsafe bytes.initialize(from: text)
        isReady = unsafe yaml_parser_initialize(parser) == 1
        guard isReady else { return }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        if isReady { unsafe yaml_parser_delete(parser) }
        unsafe parser.deallocate()
        unsafe bytes.deallocate()
    }

    /// The next event and its line, from 1. Must not be called after the end of the stream.
    func next() throws(ParseError) -> (event: Event, line: Int) {
        guard isReady else { throw ParseError(.malformed, line: 1, problem: "yaml_parser_initialize failed") }
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw error }
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

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    /// The error at which libyaml's parser stopped.
    private var error: ParseError {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "it cannot be read"
        // libyaml gives only the offset of a character that YAML does not allow.
        let line =
            unsafe parser.pointee.error == YAML_READER_ERROR
            ? unsafe bytes.prefix(parser.pointee.problem_offset).count { $0 == UInt8(ascii: "\n") }
            : unsafe Int(parser.pointee.problem_mark.line)
        return ParseError(.malformed, line: line + 1, problem: problem)
    }
}
