import Common
import Testing

@testable import VendorData

/// The kept replies of targets, without any target.
struct VendorDataAnswersTests {
    private typealias Answer = VendorDataAnswers.Answer

    private static let start = ContinuousClock.now

    /// Has a client wait for an instance, and answers for the targets to be requested.
    private static func fill(
        _ answers: inout VendorDataAnswers, _ serial: UInt64, size: Int = 10, at time: ContinuousClock.Instant = start
    ) -> [Int] {
        let missing = answers.wait(for: serial, at: time) { _ in } ?? []
        let new = missing.map { ($0, Answer(.integer(Int64($0)), size: size, at: time)) }
        _ = answers.take(Dictionary(uniqueKeysWithValues: new), for: serial, at: time)
        return missing
    }

    @Test func `clients that come while targets are requested wait with the first, and all get the values in order`() {
        let got = Locked<[[JSONValue]]>([])
        var answers = VendorDataAnswers(targets: 2)
        #expect(answers.values(for: 1, at: Self.start) == nil)
        #expect(answers.wait(for: 1, at: Self.start) { values in got.withLock { $0.append(values) } } == [0, 1])
        #expect(answers.wait(for: 1, at: Self.start) { values in got.withLock { $0.append(values) } } == nil)
        #expect(answers.wait(for: 2, at: Self.start) { _ in } == [0, 1], "another instance")
        let (waiting, values) = answers.take(
            [1: Answer(.bool(true), size: 4, at: Self.start), 0: Answer(failedAt: Self.start)], for: 1, at: Self.start)
        for done in waiting { done(values) }
        #expect(got.withLock { $0 } == [[.object([]), .bool(true)], [.object([]), .bool(true)]])
        #expect(answers.values(for: 1, at: Self.start) == values)
        #expect(answers.values(for: 2, at: Self.start) == nil)
    }

    @Test func `a value is used for a minute, and a failure for five seconds`() {
        var answers = VendorDataAnswers(targets: 2)
        _ = answers.wait(for: 1, at: Self.start) { _ in }
        _ = answers.take(
            [0: Answer(.null, size: 4, at: Self.start), 1: Answer(failedAt: Self.start)], for: 1, at: Self.start)
        #expect(answers.values(for: 1, at: Self.start + .seconds(4)) != nil)
        #expect(answers.values(for: 1, at: Self.start + .seconds(5)) == nil)
        #expect(answers.wait(for: 1, at: Self.start + .seconds(5)) { _ in } == [1], "the target that failed alone")
        _ = answers.take([1: Answer(.null, size: 4, at: Self.start + .seconds(5))], for: 1, at: Self.start + .seconds(5))
        #expect(answers.values(for: 1, at: Self.start + .seconds(59)) != nil)
        #expect(answers.wait(for: 1, at: Self.start + .seconds(60)) { _ in } == [0])
    }

    @Test func `expired values of removed instances are dropped`() {
        var answers = VendorDataAnswers(targets: 1)
        for serial in 0..<20 { _ = Self.fill(&answers, UInt64(serial)) }
        #expect(answers.count == 20)
        let later = Self.start + VendorDataAnswers.memory
        _ = answers.wait(for: 5, at: later) { _ in }
        _ = Self.fill(&answers, 100, at: later)
        #expect(answers.count == 2, "the new one, and the one whose target is being asked")
        #expect(answers.bytes == 2 * (10 + VendorDataAnswers.overhead))
    }

    @Test func `beyond eight mebibytes all values are dropped except awaited ones`() {
        var answers = VendorDataAnswers(targets: 1)
        let size = VendorDataAnswers.mostBytes / 4 - VendorDataAnswers.overhead
        for serial in 1...4 { #expect(Self.fill(&answers, UInt64(serial), size: size) == [0]) }
        #expect(answers.bytes == VendorDataAnswers.mostBytes)
        #expect(Self.fill(&answers, 1) == [], "nothing is dropped at the limit")
        _ = answers.wait(for: 6, at: Self.start) { _ in }
        _ = Self.fill(&answers, 5, size: size)
        #expect(answers.count == 1)
        #expect(answers.bytes == 0)
    }
}
