/// Chooses the fault of each request: a value, which counts.
struct FaultSelection: Sendable {
    /// How many faults there may be, with those that are added over the control socket; each is compared with every request.
    static let most = 1000

    private struct Counted: Sendable {
        let fault: Fault
        var random: SplitMix64
        /// Matching requests of the time window.
        var matches = 0
        /// How many of them got the fault.
        var hits = 0
        /// Whether it was added over the control socket.
        let isAdded: Bool
    }

    private let seed: UInt64
    private var counted: [Counted] = []

    init(_ faults: [Fault], seed: UInt64) {
        self.seed = seed
        for fault in faults { append(fault, isAdded: false) }
    }

    /// Adds faults, before all others: the latest is the most specific.
    ///
    /// - Returns: whether there is space for them.
    mutating func add(_ faults: [Fault]) -> Bool {
        guard counted.count + faults.count <= Self.most else { return false }
        let others = counted
        counted = []
        for fault in faults { append(fault, isAdded: true) }
        counted += others
        return true
    }

    /// Removes those that were added.
    mutating func removeAdded() { counted.removeAll { $0.isAdded } }

    var faults: [Fault] { counted.map(\.fault) }

    /// The faults of requests that never happened, and how many requests of their time windows matched.
    var unused: [(fault: Fault, matches: Int)] {
        counted.compactMap { counted in
            guard case .wire = counted.fault.action, counted.hits == 0 else { return nil }
            return (counted.fault, counted.matches)
        }
    }

    /// How many requests matched each fault of requests in its time window, and how many got it.
    var counts: [(name: String, matches: Int, hits: Int)] {
        counted.compactMap { counted in
            guard case .wire = counted.fault.action else { return nil }
            return (counted.fault.name, counted.matches, counted.hits)
        }
    }

    private mutating func append(_ fault: Fault, isAdded: Bool) {
        // Each has numbers of its own, by its name: other faults do not change when it happens.
        let salt = fault.name.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        counted.append(Counted(fault: fault, random: SplitMix64(state: seed &+ salt), isAdded: isAdded))
    }

    /// The fault of a request. Every fault counts the requests that match it; the first one that applies happens.
    mutating func fault(of request: EmulatedRequest, at now: Duration) -> (rule: String, fault: WireFault)? {
        var found: (rule: String, fault: WireFault)?
        for index in counted.indices {
            let fault = counted[index].fault
            guard case .wire(let wire) = fault.action, fault.isOpen(at: now), fault.requests.matches(request) else { continue }
            counted[index].matches += 1
            guard found == nil, applies(index) else { continue }
            counted[index].hits += 1
            found = (fault.name, wire)
        }
        return found
    }

    private mutating func applies(_ index: Int) -> Bool {
        let condition = counted[index].fault.condition
        let rest = counted[index].matches - condition.after
        guard rest > 0, rest % condition.every == 0 else { return false }
        if condition.probability < 1, counted[index].random.fraction() >= condition.probability { return false }
        return condition.first.map { counted[index].hits < $0 } ?? true
    }

    /// Which connections are refused at a time.
    func refusals(at now: Duration) -> [(instance: String?, Fault.Refusal)] {
        counted.compactMap { counted in
            guard case .refuse(let refusal) = counted.fault.action, counted.fault.isOpen(at: now) else { return nil }
            return (counted.fault.requests.instance, refusal)
        }
    }

    /// When the next refusal begins or ends after a time.
    func refusalChange(after now: Duration) -> Duration? {
        counted.flatMap { counted -> [Duration] in
            guard case .refuse = counted.fault.action else { return [] }
            return [counted.fault.condition.from, counted.fault.condition.to].compactMap { $0 }.filter { $0 > now }
        }.min()
    }
}

extension Fault {
    /// Whether its time window contains a time.
    func isOpen(at now: Duration) -> Bool { condition.from <= now && (condition.to.map { now < $0 } ?? true) }
}

/// Steele, Lea and Flood's SplitMix64 (2014): the same numbers for the same seed, on every machine.
struct SplitMix64: Sendable {
    var state: UInt64

    /// From 0 to below 1.
    mutating func fraction() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((value ^ (value >> 31)) >> 11) / Double(1 << 53)
    }
}
