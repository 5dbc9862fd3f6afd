internal import CJansson
package import Common

/// Encodes a ``JSONValue`` in Nova's form: one line of ASCII with the separators `", "` and `": "`, members in their order.
///
/// The top-level value may be of any type. Characters above U+007F become `\uXXXX`, as surrogate pairs if needed. Reals have 15
/// significant digits. Of two members with the same name, the last value is written at the position of the first. A real that is
/// not finite has no JSON form, and parsing never returns one: encoding it is a programming error and traps.
package enum JSONEncoding {
    /// The value as JSON bytes.
    package static func bytes(_ value: JSONValue) -> [UInt8] {
        var estimate = 0
        let tree = unsafe OwnedJSON(owning: build(value, &estimate))
        return unsafe tree.withPointer { tree in
            var size = 0
            let written = unsafe write(tree, capacity: estimate, size: &size)
            // The estimate is too small if many characters are escaped; jansson has returned the exact size.
            return unsafe size <= estimate ? written : write(tree, capacity: size, size: &size)
        }
    }

    /// The value as JSON text.
    package static func text(_ value: JSONValue) -> String {
        String(decoding: bytes(value), as: UTF8.self)
    }

    private static func write(_ tree: UnsafePointer<json_t>, capacity: Int, size: inout Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            size = unsafe vm_json_write(tree, buffer.baseAddress, capacity)
            precondition(size > 0, "jansson writes any value that it has built.")
            count = min(size, capacity)
        }
    }

    /// A new jansson value, and an upper bound of its encoded size if no character needs an escape.
    private static func build(_ value: JSONValue, _ estimate: inout Int) -> UnsafeMutablePointer<json_t> {
        let built: UnsafeMutablePointer<json_t>?
        // 24 bytes hold the longest number, "-9223372036854775808" or "-1.23456789012345e-308", and a separator.
        estimate += 24
        switch value {
        case .null: unsafe built = json_null()
        case .bool(let bool): unsafe built = bool ? json_true() : json_false()
        case .integer(let number): unsafe built = json_integer(number)
        case .real(let number):
            precondition(number.isFinite, "A real that is not finite cannot be written as JSON.")
            unsafe built = json_real(number)
        case .string(let text):
            unsafe built = bytes(of: text, &estimate) { unsafe json_stringn_nocheck($0, $1) }
        case .array(let elements):
            unsafe built = json_array()
            for element in elements { unsafe expectMemory(json_array_append_new(built, build(element, &estimate)) == 0) }
        case .object(let members):
            unsafe built = json_object()
            for member in members {
                let value = unsafe build(member.value, &estimate)
                estimate += 8
                expectMemory(
                    unsafe bytes(of: member.name, &estimate) { unsafe json_object_setn_new_nocheck(built, $0, $1, value) } == 0)
            }
        }
        guard let built = unsafe built else { preconditionFailure("jansson has no memory for a value.") }
        return unsafe built
    }

    /// Out of memory is the only possible failure: names are UTF-8, and no value contains itself.
    private static func expectMemory(_ condition: Bool) {
        precondition(condition, "jansson has no memory for a value.")
    }

    /// Passes the UTF-8 of a text, which Swift guarantees to be valid, with its length: U+0000 does not end it.
    private static func bytes<Result>(
        of text: String, _ estimate: inout Int, _ body: (UnsafePointer<CChar>?, Int) -> Result
    ) -> Result {
        estimate += text.utf8.count
        return unsafe text.utf8Span.span.withUnsafeBytes { bytes in
            unsafe body(bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
        }
    }
}
