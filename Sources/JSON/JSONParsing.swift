internal import CJansson
package import Common

/// Parses JSON (RFC 8259) into a ``JSONValue``: a top-level value of any type, nothing after it, no duplicate names in an object.
package enum JSONParsing {
    /// Far more than an operator's `additional` or vendor data needs, and small enough to parse at any time.
    package static let defaultLimit = 1024 * 1024
    /// Documents are traversed recursively, so the depth of nesting is limited.
    package static let maximumDepth = 64

    /// Parses UTF-8 bytes.
    ///
    /// - Parameter limit: the largest accepted size in bytes.
    /// - Throws: ``ParseError`` with the location of the first error.
    package static func value(of bytes: [UInt8], limit: Int = defaultLimit) throws(ParseError) -> JSONValue {
        try value(of: bytes.span, limit: limit)
    }

    /// Parses a text.
    ///
    /// - Parameter limit: the largest accepted size in UTF-8 bytes.
    /// - Throws: ``ParseError`` with the location of the first error.
    package static func value(of text: String, limit: Int = defaultLimit) throws(ParseError) -> JSONValue {
        try value(of: text.utf8Span.span, limit: limit)
    }

    private static func value(of bytes: borrowing Span<UInt8>, limit: Int) throws(ParseError) -> JSONValue {
        guard bytes.count <= limit else {
            throw ParseError(.tooLarge, problem: "the JSON has \(bytes.count) bytes: expected at most \(limit)")
        }
        guard bytes.count > 0 else { throw ParseError(.malformed, problem: "the JSON is empty") }
        try checkDepth(of: bytes)
        let tree = try parse(bytes)
        return unsafe tree.withPointer { unsafe read($0) }
    }

    /// Counts brackets outside strings, so that the recursive parser never sees input that is nested too deeply.
    private static func checkDepth(of bytes: borrowing Span<UInt8>) throws(ParseError) {
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
                throw ParseError(.tooDeep, line: line, problem: "arrays and objects are nested more than \(maximumDepth) deep")
            }
        }
    }

    private static func parse(_ bytes: borrowing Span<UInt8>) throws(ParseError) -> OwnedJSON {
        var failure = json_error_t()
        let tree = unsafe bytes.withUnsafeBufferPointer { unsafe vm_json_read($0.baseAddress, $0.count, &failure) }
        if let tree = unsafe tree { return unsafe OwnedJSON(owning: tree) }
        throw error(failure)
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
            let indices = unsafe 0..<json_array_size(tree)
            return .array(indices.compactMap { unsafe json_array_get(tree, $0).map { unsafe read($0) } })
        case JSON_OBJECT:
            var members: [JSONMember] = []
            unsafe members.reserveCapacity(json_object_size(tree))
            var iterator = unsafe json_object_iter(tree)
            while let current = unsafe iterator {
                let name = unsafe text(json_object_iter_key(current), json_object_iter_key_len(current))
                if let value = unsafe json_object_iter_value(current) { unsafe members.append(JSONMember(name, read(value))) }
                unsafe iterator = json_object_iter_next(tree, current)
            }
            return .object(members)
        default: return .null
        }
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
