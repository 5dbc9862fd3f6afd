import Common
import TestSupport
import Testing

@testable import Netlink

struct NetlinkTests {
    private func answer(_ datagram: [UInt8]) throws(KernelError) -> Netlink.Answer {
        try Netlink.answer(to: "RTM_TEST", sequence: 7, in: datagram[...])
    }

    @Test func `a request is a header, its fixed part and padded attributes`() {
        var request = Netlink.Request("RTM_TEST", type: 30, fixed: [1, 2, 3, 4])
        request.add(2, [9, 8, 7, 6, 5, 4])
        #expect(
            request.bytes(sequence: 0x0102_0304)
                == Netlink.bytes(of: UInt32(32)) + Netlink.bytes(of: UInt16(30)) + Netlink.bytes(of: UInt16(1))
                + Netlink.bytes(of: UInt32(0x0102_0304)) + [0, 0, 0, 0] + [1, 2, 3, 4]
                + Netlink.bytes(of: UInt16(10)) + Netlink.bytes(of: UInt16(2)) + [9, 8, 7, 6, 5, 4, 0, 0])
    }

    @Test func `the message with the request's number is the answer, others are foreign`() throws {
        let other = WrittenAnswer.message(type: 28, sequence: 6, [1])
        let ours = WrittenAnswer.message(type: 28, sequence: 7, [2, 3])
        #expect(try answer(other + ours) == .message(Netlink.Message(type: 28, sequence: 7, content: [2, 3])))
        #expect(try answer(other) == .foreign)
        #expect(try answer([]) == .foreign)
        #expect(try answer(WrittenAnswer.error(-2, sequence: 6)) == .foreign)
    }

    @Test func `done and an error of zero end without a message`() throws {
        #expect(try answer(WrittenAnswer.message(type: 3, sequence: 7, [0, 0, 0, 0])) == .done)
        #expect(try answer(WrittenAnswer.error(0, sequence: 7)) == .done)
        let nothing = WrittenAnswer.message(type: 1, sequence: 7, [])
        #expect(try answer(nothing + WrittenAnswer.error(0, sequence: 7)) == .done)
    }

    @Test func `an error message becomes an error with its code`() {
        #expect(throws: KernelError(.noSuchEntry, in: "RTM_TEST")) { try answer(WrittenAnswer.error(-2, sequence: 7)) }
        #expect(throws: KernelError(.answersLost, in: "RTM_TEST")) {
            try answer(WrittenAnswer.message(type: 4, sequence: 7, []))
        }
    }

    @Test(arguments: [1, Int32.min, Int32.max, -4096]) func `an invalid code is malformed`(code: Int32) {
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) { try answer(WrittenAnswer.error(code, sequence: 7)) }
    }

    @Test func `an error message without its code is malformed`() {
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) {
            try answer(WrittenAnswer.message(type: 2, sequence: 7, [0xFE, 0xFF]))
        }
    }

    @Test(arguments: [0, 1, 15, 21, 1000, 0xFFFF_FFFF]) func `a message whose length does not fit is malformed`(length: Int) {
        let message = WrittenAnswer.message(type: 28, sequence: 7, length: length, [1, 2, 3, 4])
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) { try answer(message) }
    }

    @Test func `a truncated datagram is malformed`() {
        let message = WrittenAnswer.message(type: 28, sequence: 7, [1, 2, 3, 4])
        for length in 1..<message.count {
            #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) { try answer(Array(message.prefix(length))) }
        }
    }

    @Test(arguments: [0, 3, 9, 0xFFFF]) func `an attribute whose length does not fit is malformed`(length: Int) {
        let content: [UInt8] = [1, 1, 1, 1] + WrittenAnswer.attribute(1, length: length, [5, 6, 7, 8])
        let message = Netlink.Message(type: 28, sequence: 7, content: content[...])
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) {
            try Netlink.attributes(of: message, after: 4, "RTM_TEST")
        }
    }

    @Test func `attributes are read wherever their slice begins, without the flags of their type`() throws {
        let content = [0xFF, 0xFF] + WrittenAnswer.attribute(0x8001, [5, 6, 7]) + WrittenAnswer.attribute(2, [])
        let message = Netlink.Message(type: 28, sequence: 7, content: content.dropFirst(2))
        let attributes = try Netlink.attributes(of: message, after: 0, "RTM_TEST")
        #expect(attributes == [Netlink.Attribute(type: 1, value: [5, 6, 7]), Netlink.Attribute(type: 2, value: [])])
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_TEST")) {
            try Netlink.attributes(of: message, after: 13, "RTM_TEST")
        }
    }

    @Test func `any byte may have any value`() {
        let content: [UInt8] = [1, 1, 1, 1] + WrittenAnswer.attribute(1, [5, 6, 7]) + WrittenAnswer.attribute(2, [8])
        let datagram = WrittenAnswer.message(type: 28, sequence: 7, content) + WrittenAnswer.error(-2, sequence: 6)
        for index in datagram.indices {
            for value in UInt8.min...UInt8.max {
                var changed = datagram
                changed[index] = value
                guard case .message(let message)? = try? answer(changed) else { continue }
                _ = try? Netlink.attributes(of: message, after: 4, "RTM_TEST")
            }
        }
    }
}
