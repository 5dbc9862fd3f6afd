internal import CYAML
package import Common

/// Encodes a ``JSONValue`` as one YAML document in block style, by libyaml.
///
/// A string that YAML could read as another type, such as `yes`, `~` or `0x10`, is quoted.
package enum YAMLEncoding {
    package static func text(_ value: JSONValue) -> String {
        let emitter = Emitter()
        unsafe emitter.emit { unsafe yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        unsafe emitter.emit { unsafe yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        write(value, to: emitter)
        unsafe emitter.emit { unsafe yaml_document_end_event_initialize($0, 1) }
        unsafe emitter.emit { unsafe yaml_stream_end_event_initialize($0) }
        return String(decoding: emitter.output.bytes, as: UTF8.self)
    }

    private static func write(_ value: JSONValue, to emitter: Emitter) {
        switch value {
        case .null: emitter.scalar("null", isPlain: true)
        case .bool(let bool): emitter.scalar(bool ? "true" : "false", isPlain: true)
        case .integer(let number): emitter.scalar(String(number), isPlain: true)
        case .real(let number): emitter.scalar(String(number), isPlain: true)
        case .string(let text): emitter.scalar(text, isPlain: isPlain(text))
        case .array(let elements):
            let style = elements.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            unsafe emitter.emit { unsafe yaml_sequence_start_event_initialize($0, nil, nil, 1, style) }
            for element in elements { write(element, to: emitter) }
            unsafe emitter.emit { unsafe yaml_sequence_end_event_initialize($0) }
        case .object(let members):
            let style = members.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
            unsafe emitter.emit { unsafe yaml_mapping_start_event_initialize($0, nil, nil, 1, style) }
            for member in members {
                emitter.scalar(member.name, isPlain: isPlain(member.name))
                write(member.value, to: emitter)
            }
            unsafe emitter.emit { unsafe yaml_mapping_end_event_initialize($0) }
        }
    }

    /// Whether every YAML parser reads the text without quotes as this string. More texts are quoted than need it.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.last != UInt8(ascii: ":") else { return false }
        let isLetter = { (byte: UInt8) in (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") }
        guard isLetter(first) || first == UInt8(ascii: "/") else { return false }
        let others = Array("0123456789-_./:@+".utf8)
        return text.utf8.allSatisfy { isLetter($0) || others.contains($0) } && !words.contains(text.lowercased())
    }

    /// The words that YAML 1.1 reads as a boolean or as null.
    private static let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
}

/// The bytes that an emitter has written; a class, so that libyaml's handler can point to it.
private final class EmitterOutput {
    var bytes: [UInt8] = []
}

/// libyaml's emitter.
///
/// Safe: the structure is allocated here and freed by `deinit`, and the output that its handler points to lives as long.
@safe
private final class Emitter {
    let output = EmitterOutput()
    private let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)

    init() {
        precondition(unsafe yaml_emitter_initialize(emitter) == 1, "libyaml has no memory for an emitter.")
        unsafe yaml_emitter_set_unicode(emitter, 1)
        unsafe yaml_emitter_set_width(emitter, -1)
        unsafe yaml_emitter_set_output(
            emitter,
            { context, bytes, count in
                guard let context = unsafe context, let bytes = unsafe bytes else { return 0 }
                let output = unsafe Unmanaged<EmitterOutput>.fromOpaque(context).takeUnretainedValue()
                unsafe output.bytes += unsafe UnsafeBufferPointer(start: bytes, count: count)
                return 1
            }, Unmanaged.passUnretained(output).toOpaque())
    }

    deinit {
        unsafe yaml_emitter_delete(emitter)
        unsafe emitter.deallocate()
    }

    /// Emits the event that a function of libyaml initializes; the events of a value are always in a valid order.
    @unsafe
    func emit(_ initialize: (UnsafeMutablePointer<yaml_event_t>) -> Int32) {
        var event = unsafe yaml_event_t()
        precondition(unsafe initialize(&event) == 1, "libyaml has no memory for an event.")
        precondition(unsafe yaml_emitter_emit(emitter, &event) == 1, "libyaml emits any valid order of events.")
    }

    func scalar(_ text: String, isPlain: Bool) {
        // Literal style keeps lines readable; libyaml quotes a text that this style cannot hold.
        let style =
            isPlain ? YAML_PLAIN_SCALAR_STYLE : text.contains("\n") ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE
        var bytes = Array(text.utf8)
        let count = Int32(bytes.count)
        // An empty array may have no address, which libyaml takes for a missing value.
        if bytes.isEmpty { bytes = [0] }
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe emit {
                unsafe yaml_scalar_event_initialize(
                    $0, nil, nil, bytes.baseAddress, count, isPlain ? 1 : 0, isPlain ? 0 : 1, style)
            }
        }
    }
}
