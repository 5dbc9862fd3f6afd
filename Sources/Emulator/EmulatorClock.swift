import Common
import Dispatch
import FoundationEssentials

/// The time of an emulator: that of the machine, or one that a test steps.
///
/// Everything that an emulator does at a time uses it: the steps of a scenario, delays of replies, the expiry of tokens, the `Date`
/// field. With a clock that is stepped, nothing waits for real time.
package protocol EmulatorClock: Sendable {
    /// The time since the emulator started; it never goes back.
    var elapsed: Duration { get }

    /// The time of day, in seconds since 1970.
    var wallTime: Double { get }

    /// Calls a function once, when so much time has elapsed since the start; as soon as possible where it has.
    ///
    /// - Parameter action: called on any thread, and never before this function returns.
    /// - Returns: cancels the call.
    @discardableResult func schedule(at moment: Duration, _ action: @escaping @Sendable () -> Void) -> ScheduledAction
}

extension EmulatorClock {
    /// Calls a function once, after a time from now.
    @discardableResult package func schedule(
        after delay: Duration, _ action: @escaping @Sendable () -> Void
    ) -> ScheduledAction {
        schedule(at: elapsed + delay, action)
    }
}

/// A call that is yet to come.
package final class ScheduledAction: Sendable {
    private let action: Locked<(@Sendable () -> Void)?>

    package init(_ action: @escaping @Sendable () -> Void) { self.action = Locked(action) }

    /// Calls the function, unless it was called before or is cancelled.
    package func run() { action.withLock { $0.take() }?() }

    package func cancel() { action.withLock { $0 = nil } }

    /// Whether it was neither called nor cancelled.
    var isPending: Bool { action.withLock { $0 != nil } }
}

/// The machine's time.
package final class RealClock: EmulatorClock {
    private let start = ContinuousClock.now
    private let startOfDay = Date.now.timeIntervalSince1970
    private let queue = DispatchQueue(label: "emulator-clock")

    package init() {}

    package var elapsed: Duration { start.duration(to: .now) }

    package var wallTime: Double { startOfDay + elapsed.inSeconds }

    @discardableResult package func schedule(
        at moment: Duration, _ action: @escaping @Sendable () -> Void
    ) -> ScheduledAction {
        let scheduled = ScheduledAction(action)
        let delay = max(0, (moment - elapsed).inSeconds)
        queue.asyncAfter(deadline: .now() + delay) { scheduled.run() }
        return scheduled
    }
}

/// A clock that stands still until it is stepped.
package final class ManualClock: EmulatorClock {
    private struct State {
        var elapsed = Duration.zero
        /// In order of their moments; of equal moments, the order of their scheduling.
        var waiting: [(moment: Duration, action: ScheduledAction)] = []
        /// When to drop what was cancelled: the clock may never come to it.
        private var limit = 64

        mutating func dropCancelled() {
            guard waiting.count >= limit else { return }
            waiting.removeAll { !$0.action.isPending }
            limit = max(64, 2 * waiting.count)
        }
    }

    private let startOfDay: Double
    private let state = Locked(State())

    /// - Parameter startOfDay: the time of day at the start, in seconds since 1970.
    package init(startOfDay: Double = Date.now.timeIntervalSince1970) { self.startOfDay = startOfDay }

    package var elapsed: Duration { state.withLock { $0.elapsed } }

    package var wallTime: Double { startOfDay + elapsed.inSeconds }

    @discardableResult package func schedule(
        at moment: Duration, _ action: @escaping @Sendable () -> Void
    ) -> ScheduledAction {
        let scheduled = ScheduledAction(action)
        let isDue = state.withLock { state in
            guard moment > state.elapsed else { return true }
            state.dropCancelled()
            let index = state.waiting.firstIndex { $0.moment > moment } ?? state.waiting.count
            state.waiting.insert((moment, scheduled), at: index)
            return false
        }
        if isDue { DispatchQueue.global().async { scheduled.run() } }
        return scheduled
    }

    /// Whether something is yet to come.
    package var isWaiting: Bool { state.withLock { $0.waiting.contains { $0.action.isPending } } }

    /// How many calls are kept, with cancelled ones.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Steps the clock, and calls what is due, in order: while a function is called the clock shows its moment, and what it schedules
    /// within the step is called too. Returns when all are called.
    ///
    /// - Parameter settle: waits for what a function leaves to another thread, which may schedule more.
    package func advance(by step: Duration, settle: () -> Void = {}) {
        let end = elapsed + step
        settle()
        while let due = next(until: end) {
            due.run()
            settle()
        }
        state.withLock { $0.elapsed = max($0.elapsed, end) }
    }

    private func next(until end: Duration) -> ScheduledAction? {
        state.withLock { state in
            guard let first = state.waiting.first, first.moment <= end else { return nil }
            state.waiting.removeFirst()
            state.elapsed = max(state.elapsed, first.moment)
            return first.action
        }
    }
}

extension Duration {
    package var inSeconds: Double { self / .seconds(1) }
}
