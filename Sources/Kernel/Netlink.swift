import CLinux

/// The messages of netlink(7): built to be sent, and read from whatever comes back. It does no I/O.
///
/// A message is a header of 16 bytes (`struct nlmsghdr` of `<linux/netlink.h>`), a fixed part that depends on its type, and
/// attributes (`struct rtattr` of `<linux/rtnetlink.h>`, 4 bytes and a value). Numbers are in the byte order of the machine,
/// everything starts at a multiple of 4.
enum Netlink {
    static let headerLength = 16
    static let attributeHeaderLength = 4

    /// One question to the kernel.
    struct Request {
        /// What it is called in the manual, for errors: `RTM_GETNEIGH`.
        let operation: String
        private let type: UInt16
        private let flags: UInt16
        private var content: [UInt8]

        /// Begins a request with its fixed part, which has a multiple of 4 bytes.
        /// - Parameter flags: Those of `<linux/netlink.h>` besides `NLM_F_REQUEST`.
        init(_ operation: String, type: Int, flags: Int32 = 0, fixed: [UInt8]) {
            (self.operation, self.type, content) = (operation, UInt16(truncatingIfNeeded: type), fixed)
            self.flags = UInt16(truncatingIfNeeded: NLM_F_REQUEST | flags)
        }

        /// Adds an attribute, whose value is a few bytes.
        mutating func add(_ type: Int, _ value: [UInt8]) { content += attribute(type, value) }

        /// The whole message, with the number that its answer will bear.
        func bytes(sequence: UInt32) -> [UInt8] {
            bytes(of: UInt32(headerLength + content.count)) + bytes(of: type) + bytes(of: flags)
                + bytes(of: sequence) + bytes(of: UInt32(0)) + content
        }

        private func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] { Netlink.bytes(of: number) }
    }

    /// One message from the kernel.
    struct Message: Equatable {
        let type: Int
        let sequence: UInt32
        /// Flags of `<linux/netlink.h>`, such as `NLM_F_MULTI`.
        var flags: UInt16 = 0
        /// All behind the header.
        let content: ArraySlice<UInt8>
    }

    /// One attribute of a message.
    struct Attribute: Equatable {
        /// The type without the two flags of its highest bits.
        let type: Int
        let value: ArraySlice<UInt8>
    }

    /// What a datagram holds for us.
    enum Answer: Equatable {
        /// The message asked for.
        case message(Message)
        /// The kernel did as told, or has nothing more to say.
        case done
        /// Only answers to other questions, such as one that we gave up waiting for.
        case foreign
    }

    /// Finds the answer to a request in a datagram.
    /// - Throws: `KernelError` with the code that the kernel sends, or `.malformedAnswer`, or `.answersLost`.
    static func answer(
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

    /// A part of what the kernel lists in answer to one request (`NLM_F_DUMP`).
    struct Part: Equatable {
        /// The entries, each a message.
        var entries: [Message] = []
        /// Whether no part follows.
        var isLast = false
        /// Whether what is listed changed while it was: entries may be missing or doubled (`NLM_F_DUMP_INTR`).
        var isInconsistent = false
    }

    /// Reads the part of a list that a datagram holds; one that answers something else has no entries and is not the last.
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
                // The end of a list bears a code, as an error does; of old kernels it bears nothing.
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

    /// Takes a datagram apart.
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

    /// The attributes behind the fixed part of a message.
    /// - Throws: `.malformedAnswer` where the fixed part is cut off, or a length does not fit.
    static func attributes(
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

    /// An attribute as it is written, whose value is a few bytes, or attributes itself.
    static func attribute(_ type: Int, _ value: [UInt8]) -> [UInt8] {
        let length = UInt16(attributeHeaderLength + value.count)
        let padding = [UInt8](repeating: 0, count: aligned(value.count) - value.count)
        return bytes(of: length) + bytes(of: UInt16(truncatingIfNeeded: type)) + value + padding
    }

    /// A number in the machine's byte order, `offset` bytes into a slice; `nil` where the slice ends before it.
    static func number<Number: FixedWidthInteger>(in bytes: ArraySlice<UInt8>, at offset: Int) -> Number? {
        let width = Number.bitWidth / 8
        guard bytes.count >= offset + width else { return nil }
        let start = bytes.startIndex + offset
        let value = (0..<width).reduce(Number(0)) { $0 | Number(truncatingIfNeeded: bytes[start + $1]) << Number(8 * $1) }
        return Number(littleEndian: value)
    }

    /// The bytes of a number in the machine's byte order.
    static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] {
        let value = number.littleEndian
        return (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Number(8 * $0)) }
    }

    /// The next multiple of 4.
    private static func aligned(_ length: Int) -> Int {
        (length + 3) & ~3
    }
}
