/// How many lines of one kind may be logged: so many in a row, and then one for each interval. The journal drops lines of a service that writes too
/// many, and not only these.
struct LineBudget {
    enum Verdict: Equatable {
        case granted
        /// The first line that is not granted: something should say so.
        case firstDenied
        case denied
    }

    /// The most lines in a row.
    let most: Int
    /// How long it takes until one more line is granted.
    let interval: Duration
    /// When the whole budget would be back.
    private var full: ContinuousClock.Instant?
    private var isDenied = false

    init(most: Int, interval: Duration) { (self.most, self.interval) = (most, interval) }

    mutating func take(at now: ContinuousClock.Instant) -> Verdict {
        let start = max(full ?? now, now)
        guard start + interval - now <= interval * most else {
            defer { isDenied = true }
            return isDenied ? .denied : .firstDenied
        }
        (full, isDenied) = (start + interval, false)
        return .granted
    }
}
