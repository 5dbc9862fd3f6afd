internal import CYAML

/// libyaml's parser over a text of its own; `nil` where libyaml has no memory for it.
@safe final class YAMLParser {
    // Safe: both are allocated here and freed by `deinit`. The parser points into itself and into the bytes, so neither is moved.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let isReady: Bool

    init?(_ text: [UInt8]) {
        // libyaml counts a byte order mark as a column, so that the first line of a mapping would be indented more than the others.
        let text = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text.dropFirst(3) : text[...]
        unsafe bytes = .allocate(capacity: text.count)
        _ = unsafe bytes.initialize(from: text)
        isReady = unsafe yaml_parser_initialize(parser) == 1
        guard isReady else { return nil }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        if isReady { unsafe yaml_parser_delete(parser) }
        unsafe parser.deallocate()
        unsafe bytes.deallocate()
    }

    /// Calls libyaml with the parser, and with its text.
    func use<Result>(_ body: (UnsafeMutablePointer<yaml_parser_t>, UnsafeMutableBufferPointer<UInt8>) -> Result) -> Result {
        unsafe body(parser, bytes)
    }
}

/// A text of libyaml's; `nil` where it has none.
func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
}
