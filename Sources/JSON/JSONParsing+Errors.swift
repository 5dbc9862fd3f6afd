internal import CJansson
package import Common

extension ParseError.Code {
    /// A number exceeds the range of a 64-bit integer or of a double.
    package static let numberOutOfRange = Self(rawValue: "number-out-of-range")
    /// A string or a name contains U+0000, which the consumers of the documents do not handle safely.
    package static let nullCharacter = Self(rawValue: "null-character")
}

extension JSONParsing {
    static func error(_ failure: json_error_t) -> ParseError {
        let code: ParseError.Code
        var failure = failure
        let number = unsafe json_error_code(rawValue: UInt32(vm_json_error_code(&failure)))
        switch number {
        case json_error_invalid_utf8: code = .encoding
        case json_error_duplicate_key: code = .duplicateName
        case json_error_numeric_overflow: code = .numberOutOfRange
        case json_error_null_character, json_error_null_byte_in_key: code = .nullCharacter
        default: code = .malformed
        }
        let (line, column) = (Int(failure.line), Int(failure.column))
        return ParseError(
            code, line: line > 0 ? line : nil, column: line > 0 ? max(column, 1) : nil, problem: problem(number))
    }

    /// The meaning of a jansson error code. jansson's own text quotes the input, which is the operator's, may be secret, and
    /// would be logged.
    private static func problem(_ code: json_error_code) -> String {
        switch code {
        case json_error_invalid_utf8: "expected UTF-8"
        case json_error_duplicate_key: "duplicate member name"
        case json_error_numeric_overflow: "number out of range: expected 64 bits"
        case json_error_null_character, json_error_null_byte_in_key: "U+0000 in a string"
        case json_error_premature_end_of_input: "unexpected end: a value, string, array or object is not closed"
        case json_error_end_of_input_expected: "unexpected text after the value"
        case json_error_stack_overflow: "arrays and objects are nested more than \(maximumDepth) deep"
        case json_error_out_of_memory: "no memory to read it"
        default: "expected a value, or ',' or a closing bracket after one"
        }
    }
}
