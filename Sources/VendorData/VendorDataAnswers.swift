import Common

/// The targets' replies, by instance, and the clients that wait for them: a value that is passed the time, and bounds its memory.
///
/// A reply is used for a while, and no longer than its instance: a change of the domain makes a new instance, with another
/// serial.
struct VendorDataAnswers {
    /// How long a target's value is used before it is requested again.
    static let memory = Duration.seconds(60)
    /// How long a failed target is not requested again about the same instance: shorter than clients wait before they retry.
    static let pause = Duration.seconds(5)
    /// The bytes of all kept values; beyond that all are dropped.
    static let mostBytes = 8 << 20
    /// The approximate memory of a value besides its text.
    static let overhead = 256

    typealias Done = @Sendable ([JSONValue]) -> Void

    struct Answer {
        let value: JSONValue
        /// Its part of ``mostBytes``.
        let size: Int
        let expiry: ContinuousClock.Instant

        /// A target's value, and the bytes of its text.
        init(_ value: JSONValue, size: Int, at time: ContinuousClock.Instant) {
            (self.value, self.size, expiry) = (value, size + overhead, time + memory)
        }

        /// The empty object that replaces the value of a failed target, as in Nova.
        init(failedAt time: ContinuousClock.Instant) {
            (value, size, expiry) = (.object([]), overhead, time + pause)
        }
    }

    private struct Entry {
        /// By target.
        var answers: [Answer?]
        /// Called once the requested targets have replied; `nil` while none is requested.
        var waiting: [Done]?

        func isKnown(at time: ContinuousClock.Instant) -> Bool {
            waiting == nil && answers.allSatisfy { $0.map { time < $0.expiry } ?? false }
        }

        /// Whether any answer has not expired.
        func isUseful(at time: ContinuousClock.Instant) -> Bool {
            answers.contains { $0.map { time < $0.expiry } ?? false }
        }

        var values: [JSONValue] { answers.compactMap { $0?.value } }
        var size: Int { answers.reduce(0) { $0 + ($1?.size ?? 0) } }
    }

    private let targets: Int
    private var entries: [UInt64: Entry] = [:]
    private(set) var bytes = 0
    /// When expired answers were last dropped: most belong to instances that are removed or have changed since.
    private var tidied: ContinuousClock.Instant?

    /// - Parameter targets: the number of targets.
    init(targets: Int) {
        self.targets = targets
    }

    /// The number of instances with kept answers.
    var count: Int { entries.count }

    /// The values of all targets for an instance, where none has expired or is being requested.
    func values(for serial: UInt64, at time: ContinuousClock.Instant) -> [JSONValue]? {
        guard let entry = entries[serial], entry.isKnown(at: time) else { return nil }
        return entry.values
    }

    /// Adds a client that waits for the values of an instance.
    ///
    /// - Returns: the targets to request; `nil` where they are being requested already.
    mutating func wait(for serial: UInt64, at time: ContinuousClock.Instant, _ done: @escaping Done) -> [Int]? {
        var entry = entries.removeValue(forKey: serial) ?? Entry(answers: Array(repeating: nil, count: targets))
        defer { entries[serial] = entry }
        if entry.waiting != nil {
            entry.waiting?.append(done)
            return nil
        }
        entry.waiting = [done]
        return entry.answers.indices.filter { entry.answers[$0].map { $0.expiry <= time } ?? true }
    }

    /// Stores the answers of the requested targets.
    ///
    /// - Returns: the clients that waited for them, and the values of all targets.
    mutating func take(
        _ new: [Int: Answer], for serial: UInt64, at time: ContinuousClock.Instant
    ) -> (waiting: [Done], values: [JSONValue]) {
        guard var entry = entries[serial] else { return ([], []) }
        for (number, answer) in new {
            bytes += answer.size - (entry.answers[number]?.size ?? 0)
            entry.answers[number] = answer
        }
        let waiting = entry.waiting ?? []
        entry.waiting = nil
        entries[serial] = entry
        freeSpace(at: time)
        return (waiting, entry.values)
    }

    private mutating func freeSpace(at time: ContinuousClock.Instant) {
        if tidied.map({ time - $0 >= Self.memory }) ?? true {
            tidied = time
            drop { !$0.isUseful(at: time) }
        }
        guard bytes > Self.mostBytes else { return }
        drop { !$0.isKnown(at: time) }
        // None has expired.
        if bytes > Self.mostBytes { drop { _ in true } }
    }

    /// Drops entries for which no target is being requested.
    private mutating func drop(where isToGo: (Entry) -> Bool) {
        entries = entries.filter { $0.value.waiting != nil || !isToGo($0.value) }
        bytes = entries.values.reduce(0) { $0 + $1.size }
    }
}
