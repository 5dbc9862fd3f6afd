import CLinux
package import Common

/// Builds and parses the messages of netlink(7). It does no I/O.
///
/// A message is a header of 16 bytes (`struct nlmsghdr` of `<linux/netlink.h>`), a fixed part that depends on its type, and
/// attributes (`struct rtattr` of `<linux/rtnetlink.h>`, 4 bytes and a value). Numbers are in the byte order of the machine,
/// everything starts at a multiple of 4.
package enum Netlink {
    static let headerLength = 16
    static let attributeHeaderLength = 4

    /// A request to the kernel.
    package struct Request {
        /// The name in the manual, for errors: `RTM_GETNEIGH`.
        package let operation: String
        private let type: UInt16
        private let flags: UInt16
        private var content: [UInt8]

        /// Creates a request with its fixed part, whose length is a multiple of 4 bytes.
        /// - Parameter flags: Those of `<linux/netlink.h>` besides `NLM_F_REQUEST`.
        package init(_ operation: String, type: Int, flags: Int32 = 0, fixed: [UInt8]) {
            (self.operation, self.type, content) = (operation, UInt16(truncatingIfNeeded: type), fixed)
            self.flags = UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags)
        }

        /// Appends an attribute.
        package mutating func add(_ type: Int, _ value: [UInt8]) { content += attribute(type, value) }

        /// The whole message, with the sequence number that its answer repeats.
        package func bytes(sequence: UInt32) -> [UInt8] {
            bytes(of: UInt32(headerLength + content.count)) + bytes(of: type) + bytes(of: flags)
                + bytes(of: sequence) + bytes(of: UInt32(0)) + content
        }

        private func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] { Netlink.bytes(of: number) }
    }

    /// A message from the kernel.
    package struct Message: Equatable {
        package let type: Int
        package let sequence: UInt32
        /// Flags of `<linux/netlink.h>`, such as `NLM_F_MULTI`.
        var flags: UInt16 = 0
        /// Everything after the header.
        package let content: ArraySlice<UInt8>

        package init(type: Int, sequence: UInt32, flags: UInt16 = 0, content: ArraySlice<UInt8>) {
            (self.type, self.sequence, self.flags, self.content) = (type, sequence, flags, content)
        }
    }

    /// An attribute of a message.
    package struct Attribute: Equatable {
        /// The type without the two flags of its highest bits.
        package let type: Int
        package let value: ArraySlice<UInt8>
    }

    /// The content of a datagram with respect to a request.
    package enum Answer: Equatable {
        /// The requested message.
        case message(Message)
        /// The kernel executed the request, or has no more to send.
        case done
        /// Only answers to other requests, such as one that timed out.
        case foreign
    }

    /// Finds the answer to a request in a datagram.
    /// - Throws: `KernelError` with the code that the kernel sends, or `.malformedAnswer`, or `.answersLost`.
    package static func answer(
        to operation: String, sequence: UInt32, in datagram: ArraySlice<UInt8>
    ) throws(KernelError) -> Answer {
        for message in try messages(in: datagram, operation) where message.sequence == sequence {
            switch message.type {
            case Int(NLMSG_NOOP): continue
            case Int(NLMSG_DONE): return .done
            case Int(NLMSG_OVERRUN): throw KernelError(.answersLost, in: operation)
            case Int(NLMSG_ERROR):
                try checkCode(of: message, operation)
                return .done
            default: return .message(message)
            }
        }
        return .foreign
    }

    /// A part of a list that the kernel sends in answer to one request (`NLM_F_DUMP`).
    struct Part: Equatable {
        /// The entries, each a message.
        var entries: [Message] = []
        /// Whether no part follows.
        var isLast = false
        /// Whether the objects changed during the dump: entries may be missing or duplicate (`NLM_F_DUMP_INTR`).
        var isInconsistent = false
    }

    /// Parses the part of a list in a datagram; a datagram that answers another request has no entries and is not the last.
    /// - Throws: `KernelError` with the code that the kernel sends, or `.malformedAnswer`, or `.answersLost`.
    static func part(
        ofListFrom operation: String, sequence: UInt32, in datagram: ArraySlice<UInt8>
    ) throws(KernelError) -> Part {
        var part = Part()
        for message in try messages(in: datagram, operation) where message.sequence == sequence {
            if message.flags & UInt16(NLM_F_DUMP_INTR) != 0 { part.isInconsistent = true }
            switch message.type {
            case Int(NLMSG_NOOP): continue
            case Int(NLMSG_OVERRUN): throw KernelError(.answersLost, in: operation)
            case Int(NLMSG_DONE), Int(NLMSG_ERROR):
                // The end of a list contains a code, as an error does; from old kernels it is empty.
                if message.type == Int(NLMSG_ERROR) || !message.content.isEmpty { try checkCode(of: message, operation) }
                part.isLast = true
                return part
            default: part.entries.append(message)
            }
        }
        return part
    }

    /// Throws the code that a message begins with, unless it is zero.
    private static func checkCode(of message: Message, _ operation: String) throws(KernelError) {
        guard let code: Int32 = number(in: message.content, at: 0), code <= 0, code > -4096 else {
            throw KernelError(.malformedAnswer, in: operation)
        }
        guard code == 0 else { throw KernelError(KernelError.Code(rawValue: -code), in: operation) }
    }

    /// Splits a datagram into messages.
    /// - Throws: `.malformedAnswer` where a length does not fit.
    static func messages(in datagram: ArraySlice<UInt8>, _ operation: String) throws(KernelError) -> [Message] {
        var messages: [Message] = []
        var rest = datagram
        while !rest.isEmpty {
            guard let length: UInt32 = number(in: rest, at: 0), let type: UInt16 = number(in: rest, at: 4),
                let flags: UInt16 = number(in: rest, at: 6), let sequence: UInt32 = number(in: rest, at: 8),
                length >= headerLength, Int(length) <= rest.count
            else { throw KernelError(.malformedAnswer, in: operation) }
            messages.append(
                Message(
                    type: Int(type), sequence: sequence, flags: flags,
                    content: rest.prefix(Int(length)).dropFirst(headerLength)))
            rest = rest.dropFirst(aligned(Int(length)))
        }
        return messages
    }

    /// The attributes after the fixed part of a message.
    /// - Throws: `.malformedAnswer` where the fixed part is cut off, or a length does not fit.
    package static func attributes(
        of message: Message, after fixedLength: Int, _ operation: String
    ) throws(KernelError) -> [Attribute] {
        guard message.content.count >= fixedLength else { throw KernelError(.malformedAnswer, in: operation) }
        var attributes: [Attribute] = []
        var rest = message.content.dropFirst(aligned(fixedLength))
        while !rest.isEmpty {
            guard let length: UInt16 = number(in: rest, at: 0), let type: UInt16 = number(in: rest, at: 2),
                length >= attributeHeaderLength, Int(length) <= rest.count
            else { throw KernelError(.malformedAnswer, in: operation) }
            attributes.append(
                Attribute(type: Int(type & 0x3FFF), value: rest.prefix(Int(length)).dropFirst(attributeHeaderLength)))
            rest = rest.dropFirst(aligned(Int(length)))
        }
        return attributes
    }

    /// The encoding of an attribute, whose value is a few bytes, or nested attributes.
    static func attribute(_ type: Int, _ value: [UInt8]) -> [UInt8] {
        let length = UInt16(attributeHeaderLength + value.count)
        let padding = [UInt8](repeating: 0, count: aligned(value.count) - value.count)
        return bytes(of: length) + bytes(of: UInt16(truncatingIfNeeded: type)) + value + padding
    }

    /// A number of at most 64 bits in the machine's byte order, `offset` bytes into a slice; `nil` where the slice ends before it.
    package static func number<Number: FixedWidthInteger>(in bytes: ArraySlice<UInt8>, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard bytes.count >= offset + width else { return nil }
        let start = bytes.startIndex + offset
        // Not generic: this is most of what parsing a message costs.
        var value: UInt64 = 0
        for index in (start..<start + width).reversed() { value = value << 8 | UInt64(bytes[index]) }
        return Number(littleEndian: Number(truncatingIfNeeded: value))
    }

    package static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
        let value = number.littleEndian
        return (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Number(8 * $0)) }
    }

    /// Rounds up to a multiple of 4.
    private static func aligned(_ length: Int) -> Int {
        (length + 3) & ~3
    }
}
