/// Answers as the kernel writes them, from numbers.
package enum WrittenAnswer {
    /// A message with its header; `length` may lie.
    package static func message(type: Int, sequence: UInt32, length: Int? = nil, _ content: [UInt8]) -> [UInt8] {
        bytes(of: UInt32(length ?? 16 + content.count)) + bytes(of: UInt16(type)) + [0, 0]
            + bytes(of: sequence) + [0, 0, 0, 0] + content + [UInt8](repeating: 0, count: (4 - content.count % 4) % 4)
    }

    /// An attribute, padded; `length` may lie.
    package static func attribute(_ type: Int, length: Int? = nil, _ value: [UInt8]) -> [UInt8] {
        bytes(of: UInt16(length ?? 4 + value.count)) + bytes(of: UInt16(type)) + value
            + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    /// `NLMSG_ERROR` with a code as the kernel has it, negative, and the header of the request.
    package static func error(_ code: Int32, sequence: UInt32) -> [UInt8] {
        message(type: 2, sequence: sequence, bytes(of: code) + [UInt8](repeating: 0, count: 16))
    }

    /// A number in the machine's own order.
    private static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number.littleEndian >> (8 * $0)) }
    }
}
