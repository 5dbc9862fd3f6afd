import Common

/// How many lines may be logged about each domain or network, and about all of a hypervisor: authors may change them, and start new ones, as
/// often as libvirt takes it, and the journal drops lines of a service that writes too many.
struct LogAllowance {
    enum Subject: Hashable {
        case domain(InstanceUUID)
        case network(LibvirtName)
    }

    enum Verdict: Equatable {
        case granted
        /// The first line about a subject that is not granted: something should say so.
        case firstDenied
        /// The first line that is not granted because there were too many about all of them.
        case firstDeniedOfAll
        case denied
    }

    /// Lines that come back one by one.
    struct Rate {
        /// The most lines in a row.
        let most: Int
        /// How long it takes until one more line is granted.
        let interval: Duration
    }

    /// That of one subject.
    static let ofOne = Rate(most: 60, interval: .seconds(10))
    /// That of all subjects together.
    static let ofAll = Rate(most: 1000, interval: .seconds(1))
    /// How many of the lines about one subject may be among the last half of those about all, so that there is something about each of a
    /// hundred domains with many mistakes.
    static let mostOfLastHalf = 4
    /// How often it is said how many lines are not granted.
    static let summaryInterval = Duration.seconds(60)
    /// The most subjects to remember; those with a whole allowance need not be.
    private static let mostSubjects = 4096

    private struct Account {
        /// When the whole allowance would be back.
        var full: ContinuousClock.Instant
        var isDenied = false

        /// How many lines are used up.
        func used(of rate: Rate, at now: ContinuousClock.Instant) -> Int {
            let missing = max(full - now, .zero)
            let lines = missing / rate.interval
            return Int(lines.rounded(.up))
        }

        mutating func use(_ rate: Rate, at now: ContinuousClock.Instant) {
            full = max(full, now) + rate.interval
            isDenied = false
        }
    }

    private var accounts: [Subject: Account] = [:]
    private var all: Account?
    /// How many lines were not granted because of all others, and when the first of them was.
    private var suppressed = 0
    private var firstSuppressed: ContinuousClock.Instant?

    mutating func take(_ subject: Subject, at now: ContinuousClock.Instant) -> Verdict {
        if accounts.count >= Self.mostSubjects { accounts = accounts.filter { $0.value.full > now } }
        var (account, all) = (accounts[subject] ?? Account(full: now), self.all ?? Account(full: now))
        defer { (accounts[subject], self.all) = (account, all) }
        let used = account.used(of: Self.ofOne, at: now)
        guard used < Self.ofOne.most else {
            defer { account.isDenied = true }
            return account.isDenied ? .denied : .firstDenied
        }
        guard all.used(of: Self.ofAll, at: now) < (used < Self.mostOfLastHalf ? Self.ofAll.most : Self.ofAll.most / 2) else {
            suppressed += 1
            defer { firstSuppressed = firstSuppressed ?? now }
            return firstSuppressed == nil ? .firstDeniedOfAll : .denied
        }
        account.use(Self.ofOne, at: now)
        all.use(Self.ofAll, at: now)
        return .granted
    }

    /// How many lines were not granted because of the others, if it is time to say so.
    mutating func summarised(at now: ContinuousClock.Instant) -> Int? {
        guard let firstSuppressed, now - firstSuppressed >= Self.summaryInterval else { return nil }
        defer { (suppressed, self.firstSuppressed) = (0, nil) }
        return suppressed
    }
}
