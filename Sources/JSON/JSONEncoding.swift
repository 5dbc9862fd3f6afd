internal import CJansson
public import Common

/// The writing of a ``JSONValue`` as nova's documents are written: one line of ASCII, `", "` and `": "` between, in given order.
///
/// Any value can stand at the top. Everything above U+007F becomes `\uXXXX`, in surrogates where it needs two. Reals have 15
/// significant digits. Of two members with one name the last value is written, at the first one's place. A real that is not
/// finite has no JSON, and parsing never yields one: to write it is a mistake of the program, and stops it.
public enum JSONEncoding {
    /// The JSON of a value in bytes.
    public static func bytes(_ value: JSONValue) -> [UInt8] {
        var estimate = 0
        let tree = unsafe OwnedJSON(owning: build(value, &estimate))
        return unsafe tree.withPointer { tree in
            var size = 0
            let written = unsafe write(tree, capacity: estimate, size: &size)
            // The estimate falls short when much is escaped; jansson has said by how much.
            return unsafe size <= estimate ? written : write(tree, capacity: size, size: &size)
        }
    }

    /// The JSON of a value as a text.
    public static func text(_ value: JSONValue) -> String {
        String(decoding: bytes(value), as: UTF8.self)
    }

    private static func write(_ tree: UnsafePointer<json_t>, capacity: Int, size: inout Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            size = unsafe vm_json_write(tree, buffer.baseAddress, capacity)
            precondition(size > 0, "jansson writes any value that it has built.")
            count = min(size, capacity)
        }
    }

    /// A new jansson value, and an upper bound of the bytes it is written in unless characters need escapes.
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

    /// The only way in which building can fail: names are UTF-8, and no value is put into itself.
    private static func expectMemory(_ condition: Bool) {
        precondition(condition, "jansson has no memory for a value.")
    }

    /// Lends the UTF-8 of a text, which Swift knows to be valid, with its length: U+0000 inside it does not end it.
    private static func bytes<Result>(
        of text: String, _ estimate: inout Int, _ body: (UnsafePointer<CChar>?, Int) -> Result
    ) -> Result {
        estimate += text.utf8.count
        return unsafe text.utf8Span.span.withUnsafeBytes { bytes in
            unsafe body(bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
        }
    }
}
