import Testing

@testable import Inventory

@Suite struct RetryScheduleTests {
    private var schedule = RetrySchedule()

    @Test func `without a failure nothing is due`() {
        var schedule = schedule
        #expect(schedule.takeDelay() == nil)
        schedule.succeed()
        #expect(schedule.takeDelay() == nil)
    }

    @Test func `however many attempts fail, one retry is scheduled`() {
        var schedule = schedule
        for _ in 0..<3 { schedule.want() }
        #expect(schedule.takeDelay() == Backoff.shortest)
        #expect(schedule.takeDelay() == nil)
        schedule.want()
        #expect(schedule.takeDelay() == nil, "the first one is on its way still")
    }

    @Test func `a failed retry is followed by another, with delays up to a limit`() {
        var schedule = schedule
        var delays: [Duration] = []
        for _ in 0..<8 {
            schedule.begin()
            schedule.want()
            delays += [schedule.takeDelay()].compactMap(\.self)
        }
        #expect(delays.prefix(3) == [.milliseconds(250), .milliseconds(500), .seconds(1)])
        #expect(delays.count == 8 && delays.suffix(2) == [Backoff.longest, Backoff.longest])
    }

    @Test func `after a success delays are short again, and a scheduled retry stays the only one`() {
        var schedule = schedule
        for _ in 0..<3 {
            schedule.begin()
            schedule.want()
            _ = schedule.takeDelay()
        }
        schedule.succeed()
        schedule.want()
        #expect(schedule.takeDelay() == nil, "one is on its way still")
        schedule.begin()
        schedule.want()
        #expect(schedule.takeDelay() == Backoff.shortest)
    }
}
