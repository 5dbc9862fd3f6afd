import Common
import Testing

@testable import Sockets

/// Headers recorded on Linux 6.18 from a listener with `TCP_SAVE_SYN` = 2 on a bridge.
enum RecordedSYN {
    static let guestIPv4 = hex(
        """
        0200000000fe 525400aabbcc 0800 4500003c9a13400040068c94 0a090002 0a090001
        9be81f90255cdb4e00000000a002faf0144300000204 05b40402080a962980b5000000000103030a
        """)
    static let guestIPv6 = hex(
        """
        0200000000fe 525400aabbcc 86dd 6005c7bf00280640 fd090000000000000000000000000002 fd090000000000000000000000000001
        dc9e1f907f1a039d00000000a002fd20fa440000020405a00402080ad51f0809000000000103030a
        """)
    static let loopbackIPv4 = hex(
        """
        000000000000 000000000000 0800 4500003cbc0d4000400680ac 7f000001 7f000001
        88301f90a4b12fec00000000a002ffd7fe3000000204ffd70402080a8a4f23bb000000000103030a
        """)
    static let loopbackIPv6 = hex(
        """
        000000000000 000000000000 86dd 6001979900280640 00000000000000000000000000000001 00000000000000000000000000000001
        8e4a1f90984e9a1f00000000a002ffc4003000000204ffc40402080af235b2ac000000000103030a
        """)
    static let all = [guestIPv4, guestIPv6, loopbackIPv4, loopbackIPv6]

    /// The bytes of hexadecimal digits, ignoring spaces.
    static func hex(_ text: String) -> [UInt8] {
        let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue).map(UInt8.init)
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// A frame with something between its addresses and its type.
    static func tagged(_ frame: [UInt8], _ tags: [UInt8]) -> [UInt8] {
        frame.prefix(12) + tags + frame.dropFirst(12)
    }
}

struct SavedSYNTests {
    @Test(arguments: [(RecordedSYN.guestIPv4, "10.9.0.2"), (RecordedSYN.guestIPv6, "fd09::2")])
    func `the headers from a bridge name the guest`(bytes: [UInt8], source: String) {
        let packet = SavedSYN(bytes: bytes)
        #expect(packet?.sourceMAC == MACAddress("52:54:00:aa:bb:cc"))
        #expect(packet?.source == IPAddress(source))
    }

    @Test(arguments: [(RecordedSYN.loopbackIPv4, "127.0.0.1"), (RecordedSYN.loopbackIPv6, "::1")])
    func `the headers from the loopback name no hardware`(bytes: [UInt8], source: String) {
        let packet = SavedSYN(bytes: bytes)
        #expect(packet?.source == IPAddress(source))
        #expect(packet?.sourceMAC == nil)
    }

    @Test func `headers without a frame name no hardware`() {
        #expect(SavedSYN(bytes: RecordedSYN.guestIPv4.dropFirst(14))?.source == IPAddress("10.9.0.2"))
        #expect(SavedSYN(bytes: RecordedSYN.guestIPv6.dropFirst(14))?.source == IPAddress("fd09::2"))
        #expect(SavedSYN(bytes: RecordedSYN.guestIPv4.dropFirst(14))?.sourceMAC == nil)
    }

    @Test(arguments: [RecordedSYN.guestIPv4, RecordedSYN.guestIPv6])
    func `one tag or two change nothing`(bytes: [UInt8]) {
        let plain = SavedSYN(bytes: bytes)
        #expect(plain != nil)
        #expect(SavedSYN(bytes: RecordedSYN.tagged(bytes, [0x81, 0x00, 0x00, 0x05])) == plain)
        #expect(SavedSYN(bytes: RecordedSYN.tagged(bytes, [0x88, 0xA8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x05])) == plain)
        let three: [UInt8] = [0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3]
        #expect(SavedSYN(bytes: RecordedSYN.tagged(bytes, three)) == nil)
    }

    @Test(arguments: RecordedSYN.all)
    func `truncated headers are refused`(bytes: [UInt8]) {
        for length in 0..<bytes.count {
            #expect(SavedSYN(bytes: bytes.prefix(length)) == nil, "cut after \(length)")
        }
    }

    @Test(arguments: RecordedSYN.all)
    func `headers with trailing bytes are refused`(bytes: [UInt8]) {
        for count in 1...20 {
            #expect(SavedSYN(bytes: bytes + [UInt8](repeating: 0, count: count)) == nil)
        }
    }

    @Test func `a group address identifies no interface`() {
        var bytes = RecordedSYN.guestIPv4
        bytes[6] |= 1
        #expect(SavedSYN(bytes: bytes)?.source == IPAddress("10.9.0.2"))
        #expect(SavedSYN(bytes: bytes)?.sourceMAC == nil)
    }

    @Test func `a frame's type and its packet agree`() {
        for type: [UInt8] in [[0x86, 0xDD], [0x08, 0x06], [0x81, 0x00]] {
            #expect(SavedSYN(bytes: RecordedSYN.guestIPv4.prefix(12) + type + RecordedSYN.guestIPv4.dropFirst(14)) == nil)
        }
    }

    @Test func `options of IPv4 and extensions of IPv6 do not hide the sender`() {
        var four = RecordedSYN.guestIPv4
        four[14] = 0x46
        four.insert(contentsOf: [1, 1, 1, 0], at: 34)
        #expect(SavedSYN(bytes: four)?.source == IPAddress("10.9.0.2"))

        var six = RecordedSYN.guestIPv6
        six[20] = 0
        six.insert(contentsOf: [6, 0, 1, 4, 0, 0, 0, 0], at: 54)
        #expect(SavedSYN(bytes: six)?.source == IPAddress("fd09::2"))
        #expect(SavedSYN(bytes: six)?.sourceMAC == MACAddress("52:54:00:aa:bb:cc"))
    }

    @Test(arguments: RecordedSYN.all)
    func `any byte may have any value`(bytes: [UInt8]) {
        for index in bytes.indices {
            for value in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = value
                _ = SavedSYN(bytes: changed)
            }
        }
    }

    @Test func `a descriptor that is not a socket gives an error that names the call`() {
        #expect(throws: KernelError(.init(rawValue: 9), in: "getsockopt(TCP_SAVED_SYN)")) { try SavedSYN.read(fromAccepted: -1) }
        #expect(throws: KernelError(.init(rawValue: 9), in: "setsockopt(TCP_SAVE_SYN)")) { try SavedSYN.keep(onListener: -1) }
        #expect("\(KernelError(.init(rawValue: 9), in: "open"))" == "open: Bad file descriptor")
    }
}
