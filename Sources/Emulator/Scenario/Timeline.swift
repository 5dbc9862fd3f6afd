/// The progress of a scenario's steps: a value, to which time and requests are told.
struct Timeline: Sendable {
    /// A step that comes.
    struct Occurrence: Sendable, Equatable {
        let index: Int
        /// After the start; where the clock is set forward, the step's own time, which is earlier.
        let time: Duration
    }

    let steps: [ScenarioStep]
    private var next = 0
    /// When the last step came.
    private var last = Duration.zero
    /// The requests that the next step has counted.
    private var counted = 0

    init(_ steps: [ScenarioStep]) { self.steps = steps }

    /// When the next step comes by time alone; `nil` for none, or one that waits for requests.
    var due: Duration? {
        guard next < steps.count else { return nil }
        switch steps[next].moment {
        case .at(let time): return max(time, last)
        case .afterTime(let time): return last + time
        case .afterRequests: return nil
        }
    }

    /// The next step that has come by a time after the start; asked until there is none.
    mutating func occurrence(by now: Duration) -> Occurrence? {
        guard let due, due <= now else { return nil }
        return come(at: due)
    }

    /// Counts a request that was answered; the step that it brings.
    mutating func count(_ request: EmulatedRequest, at now: Duration) -> Occurrence? {
        guard next < steps.count, case .afterRequests(let number, let pattern) = steps[next].moment, pattern.matches(request)
        else { return nil }
        counted += 1
        return counted >= number ? come(at: now) : nil
    }

    private mutating func come(at time: Duration) -> Occurrence {
        defer { (next, last, counted) = (next + 1, time, 0) }
        return Occurrence(index: next, time: time)
    }
}
