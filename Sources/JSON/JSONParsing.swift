internal import CJansson
public import Common

/// The reading of JSON (RFC 8259) into a ``JSONValue``: any value at the top, nothing after it, no name twice in an object.
public enum JSONParsing {
    /// Far more than an operator's `additional` or vendor data, and little enough to be parsed without a thought.
    public static let defaultLimit = 1024 * 1024
    /// What we build from JSON is walked by recursion, and a tree of places as deep as this is one that nobody walks.
    public static let maximumDepth = 64

    /// The value that bytes in UTF-8 hold.
    ///
    /// - Parameter limit: the largest number of bytes that is parsed at all.
    /// - Throws: ``JSONError`` with the first error's position.
    public static func value(of bytes: [UInt8], limit: Int = defaultLimit) throws(JSONError) -> JSONValue {
        try value(of: bytes.span, limit: limit)
    }

    /// The value that a text holds.
    ///
    /// - Parameter limit: the largest number of bytes in UTF-8 that is parsed at all.
    /// - Throws: ``JSONError`` with the first error's position.
    public static func value(of text: String, limit: Int = defaultLimit) throws(JSONError) -> JSONValue {
        try value(of: text.utf8Span.span, limit: limit)
    }

    private static func value(of bytes: borrowing Span<UInt8>, limit: Int) throws(JSONError) -> JSONValue {
        guard bytes.count <= limit else {
            throw JSONError(.tooLarge, message: "the JSON has \(bytes.count) bytes; \(limit) are allowed")
        }
        guard bytes.count > 0 else { throw JSONError(.malformed, message: "the JSON is empty") }
        try checkDepth(of: bytes)
        let tree = try parse(bytes)
        return unsafe tree.withPointer { unsafe read($0) }
    }

    /// Counts brackets outside strings, so that the parser, which recurses, never sees what is nested too deep.
    private static func checkDepth(of bytes: borrowing Span<UInt8>) throws(JSONError) {
        var (depth, line, inString, isEscaped) = (0, 1, false, false)
        for index in bytes.indices {
            let byte = bytes[index]
            if inString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            if depth > maximumDepth {
                throw JSONError(.tooDeep, line: line, message: "arrays and objects are nested more than \(maximumDepth) deep")
            }
        }
    }

    private static func parse(_ bytes: borrowing Span<UInt8>) throws(JSONError) -> OwnedJSON {
        var failure = json_error_t()
        let tree = unsafe bytes.withUnsafeBufferPointer { unsafe vm_json_read($0.baseAddress, $0.count, &failure) }
        if let tree = unsafe tree { return unsafe OwnedJSON(owning: tree) }
        throw error(failure)
    }

    private static func error(_ failure: json_error_t) -> JSONError {
        let code: JSONError.Code
        var failure = failure
        switch unsafe json_error_code(rawValue: UInt32(vm_json_error_code(&failure))) {
        case json_error_invalid_utf8: code = .encoding
        case json_error_duplicate_key: code = .duplicateName
        case json_error_numeric_overflow: code = .numberOutOfRange
        case json_error_null_character, json_error_null_byte_in_key: code = .nullCharacter
        default: code = .malformed
        }
        // jansson quotes what it stumbled over, which is the operator's, may be secret, and would be logged.
        let said = unsafe String(cString: vm_json_error_text(&failure))
        let text = said.firstRange(of: " near '").map { String(said[..<$0.lowerBound]) } ?? said
        let (line, column) = (Int(failure.line), Int(failure.column))
        return JSONError(code, line: line > 0 ? line : nil, column: line > 0 ? max(column, 1) : nil, message: text)
    }

    /// Copies a jansson value, which is at most ``maximumDepth`` deep.
    private static func read(_ tree: UnsafeMutablePointer<json_t>) -> JSONValue {
        switch unsafe vm_json_type(tree) {
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        case JSON_INTEGER: return unsafe .integer(Int64(json_integer_value(tree)))
        case JSON_REAL: return unsafe .real(json_real_value(tree))
        case JSON_STRING: return unsafe .string(text(json_string_value(tree), json_string_length(tree)))
        case JSON_ARRAY:
            let places = unsafe 0..<json_array_size(tree)
            return .array(places.compactMap { unsafe json_array_get(tree, $0).map { unsafe read($0) } })
        case JSON_OBJECT:
            var members: [JSONMember] = []
            unsafe members.reserveCapacity(json_object_size(tree))
            var place = unsafe json_object_iter(tree)
            while let current = unsafe place {
                let name = unsafe text(json_object_iter_key(current), json_object_iter_key_len(current))
                if let value = unsafe json_object_iter_value(current) { unsafe members.append(JSONMember(name, read(value))) }
                unsafe place = json_object_iter_next(tree, current)
            }
            return .object(members)
        default: return .null
        }
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
