import TestSupport
import Testing

@testable import Guests

/// Whether a guest reads its replies fast enough.
struct ReplyProgressTests {
    private static let period = Tick.count(in: .seconds(10))

    @Test func `a guest that confirms a kibibyte a second may go on`() {
        var progress = Self.begun(with: 1 << 20, unread: 1 << 19)
        let atFirst = progress.isTooSlow(unconfirmed: 1 << 16, at: 0)
        #expect(!atFirst)
        #expect(!progress.isDue(at: Self.period - 1, period: Self.period))
        #expect(progress.isDue(at: Self.period, period: Self.period))
        _ = progress.look((1 << 19) - 10 * ReplyProgress.leastRate)
        let afterEnough = progress.isTooSlow(unconfirmed: 1 << 16, at: Self.period)
        #expect(!afterEnough)
        _ = progress.look((1 << 19) - 20 * ReplyProgress.leastRate + 1)
        let afterTooLittle = progress.isTooSlow(unconfirmed: 1 << 16, at: 2 * Self.period)
        #expect(afterTooLittle, "a byte too little, in this period")
    }

    @Test func `bytes that the kernel accepted and the guest has not confirmed are unread`() {
        var progress = Self.begun(with: 1 << 20, unread: 1 << 20)
        let atFirst = progress.isTooSlow(unconfirmed: 0, at: 0)
        #expect(!atFirst)
        _ = progress.look(1 << 19)
        let afterNothing = progress.isTooSlow(unconfirmed: 1 << 19, at: Self.period)
        #expect(afterNothing)
    }

    @Test func `a guest is not measured while the kernel has all`() {
        var progress = Self.begun(with: 1 << 20, unread: 1 << 20)
        let atFirst = progress.isTooSlow(unconfirmed: 0, at: 0)
        #expect(!atFirst)
        let isEmptied = progress.look(0)
        #expect(isEmptied)
        #expect(!progress.isDue(at: 10 * Self.period, period: Self.period))
        progress.write(1 << 20)
        #expect(progress.mostUnread == 1 << 20)
        _ = progress.look(1 << 20)
        #expect(progress.isDue(at: 10 * Self.period, period: Self.period), "a new reply has a period of its own")
        let atFirstAgain = progress.isTooSlow(unconfirmed: 0, at: 10 * Self.period)
        #expect(!atFirstAgain)
    }

    @Test func `progress is counted by what the kernel accepts`() {
        var progress = ReplyProgress()
        progress.write(100)
        let first = progress.look(60)
        #expect(first)
        let again = progress.look(60)
        #expect(!again)
        progress.write(10)
        let ofTheRest = progress.look(70)
        #expect(!ofTheRest)
        let ofOneByte = progress.look(69)
        #expect(ofOneByte)
    }

    @Test func `the whole of a piece stays in memory until the kernel has the last of it`() {
        var progress = ReplyProgress()
        progress.write(1000)
        #expect(progress.memory == 0, "nothing is known yet")
        for left in [900, 1] {
            _ = progress.look(left)
            #expect(progress.memory == 1000)
        }
        // However many pieces follow while something is left, those that are accepted do not count.
        for _ in 0..<100 {
            progress.write(100)
            _ = progress.look(50)
        }
        #expect(progress.memory == 1050)
        _ = progress.look(0)
        progress.write(10)
        _ = progress.look(10)
        #expect(progress.memory == 10)
    }

    private static func begun(with count: Int, unread: Int) -> ReplyProgress {
        var progress = ReplyProgress()
        progress.write(count)
        _ = progress.look(unread)
        return progress
    }
}
