import Common

/// Conducts an emulator's instances through a scenario: the steps come at their times, faults change replies, and expectations observe
/// what clients do.
///
/// Steps come by the emulator's clock. They are scheduled, so that they come without a request too, and looked for at each request, so
/// that none is late.
package final class ScenarioDirector: RequestDirector {
    private struct State: ~Copyable {
        /// One of each scenario.
        var timelines: [Timeline]
        var faults: FaultSelection
        var expectations: ExpectationRun
        var records: RequestRecords
        /// When the timeline began, by the clock; `nil` before.
        var start: Duration?
        /// Requests whose reply is decided.
        var planned = 0
        /// Credentials that were issued.
        var credentials = 0
        /// Whether token requests are refused, by the name of the instance.
        var refusesTokens: Set<String> = []
        /// When `progress` is called by the clock.
        var scheduled: Duration?
        /// Which families each instance refuses, in the order of the instances.
        var refusals: [FamilySet] = []

        /// The earliest step that has come by a time; asked until there is none.
        mutating func nextStep(by now: Duration) -> (ScenarioStep, at: Duration)? {
            let due = timelines.indices.compactMap { index in timelines[index].due.map { (time: $0, index: index) } }
            // Of steps of one time, the scenario that was named first has the first.
            guard let first = due.min(by: { ($0.time, $0.index) < ($1.time, $1.index) }),
                let occurrence = timelines[first.index].occurrence(by: now)
            else { return nil }
            return (timelines[first.index].steps[occurrence.index], occurrence.time)
        }

        /// The steps that a request brings.
        mutating func steps(after request: EmulatedRequest, at now: Duration) -> [(ScenarioStep, at: Duration)] {
            timelines.indices.compactMap { index in
                timelines[index].count(request, at: now).map { (timelines[index].steps[$0.index], $0.time) }
            }
        }
    }

    /// The fault's name in records where a step's `tokens: refuse` refused a token.
    static let refusedTokens = "tokens: refuse"
    private static let refusal = {
        var refusal = WireFault()
        refusal.answer = .status(403, headers: [], body: nil)
        return refusal
    }()

    private let start: Scenario.Start
    private let keepsRecords: Bool
    private let clock: any EmulatorClock
    private let instances: [EmulatedInstance]
    private let ports: any PortSwitch
    private let onFailure: @Sendable (String) -> Void
    private let state: Locked<State>

    /// - Parameters:
    ///   - seed: is added to those of the scenarios.
    ///   - ports: opens and closes the ports of instances.
    ///   - keepsRecords: whether the last requests are kept, to be asked for.
    ///   - onFailure: is told of a change that an instance does not accept, such as one too many.
    package init(
        _ scenarios: [Scenario], expectations: [ClientExpectation] = [], clock: any EmulatorClock, instances: [EmulatedInstance],
        seed: UInt64 = 0, ports: any PortSwitch = NoPorts(), keepsRecords: Bool = true,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.clock, self.instances, self.ports, self.onFailure) = (clock, instances, ports, onFailure)
        start = scenarios.first?.start ?? .ready
        self.keepsRecords = keepsRecords
        let seed = scenarios.reduce(seed) { $0 &+ $1.seed }
        state = Locked(
            State(
                timelines: scenarios.map { Timeline($0.steps) }, faults: FaultSelection(scenarios.flatMap(\.faults), seed: seed),
                expectations: ExpectationRun(expectations), records: RequestRecords()))
    }

    /// The emulator is ready, and the timeline may begin.
    package func ready() { if start == .ready { begin() } }

    private func begin() {
        let now = clock.elapsed
        let isFirst = state.withLock { state in
            guard state.start == nil else { return false }
            state.start = now
            return true
        }
        if isFirst { progress() }
    }

    // MARK: Time

    /// Lets everything come that is due, and schedules what comes next.
    private func progress() {
        let now = clock.elapsed
        let next: Duration? = state.withLock { state in
            guard let start = state.start else { return nil }
            let time = now - start
            while let (step, time) = state.nextStep(by: time) { perform(step, at: time, &state) }
            refuse(at: time, &state)
            let times = state.timelines.compactMap(\.due) + [state.faults.refusalChange(after: time)].compactMap { $0 }
            guard let next = times.min().map({ $0 + start }), next != state.scheduled else { return nil }
            state.scheduled = next
            return next
        }
        guard let next else { return }
        clock.schedule(at: next) { [weak self] in self?.progress() }
    }

    /// Closes and opens ports.
    private func refuse(at time: Duration, _ state: inout State) {
        let refusals = state.faults.refusals(at: time)
        guard !refusals.isEmpty || !state.refusals.isEmpty else { return }
        let now = instances.map { instance in
            let own = refusals.filter { $0.instance == nil || $0.instance == instance.name }.map(\.1)
            return FamilySet(v4: own.contains { $0 != .ipv6 }, v6: own.contains { $0 != .ipv4 })
        }
        guard now != state.refusals else { return }
        state.refusals = now
        for (instance, families) in zip(instances, now) { ports.refuse(families, of: instance.name) }
    }

    // MARK: Steps

    /// The step comes, at its own time: where the clock was set forward, times in its values are still relative to that.
    private func perform(_ step: ScenarioStep, at time: Duration, _ state: inout State) {
        let wall = clock.wallTime - (clock.elapsed - (state.start ?? .zero) - time).inSeconds
        state.expectations.observe(step: step.name, at: time)
        for change in step.changes {
            if case .credentials = change { state.credentials += 1 }
            let chosen = instances.filter { step.instance == nil || step.instance == $0.name }
            do throws(EmulatorError) {
                if case .set(let path, _) = change { try EmulatedInstance.checkMember(at: path, of: chosen) }
            } catch {
                onFailure("step in line \(step.line): \(error)")
                continue
            }
            for instance in chosen {
                do throws(EmulatorError) {
                    try perform(change, on: instance, at: wall, &state)
                } catch {
                    // Told once: a timeline has at most so many steps.
                    onFailure("step in line \(step.line), instance \(instance.name): \(error)")
                }
            }
        }
    }

    private func perform(
        _ change: ScenarioStep.Change, on instance: EmulatedInstance, at wall: Double, _ state: inout State
    ) throws(EmulatorError) {
        switch change {
        case .set(let path, let value):
            try instance.values.set(path, value, at: wall)
        case .absent(let path): try instance.values.remove(path)
        case .restore(let path): instance.values.restore(path)
        case .credentials(let credentials):
            let document = credentials.document(number: state.credentials)
            // An instance has one role; clients take the whole listing for its name.
            try instance.values.remove(credentials.directory)
            try instance.values.set(credentials.path, .document(document), at: wall)
        case .tokens(let change): try perform(change, on: instance, &state)
        }
    }

    private func perform(
        _ change: ScenarioStep.TokenChange, on instance: EmulatedInstance, _ state: inout State
    ) throws(EmulatorError) {
        switch change {
        case .revoke: instance.revokeTokens()
        case .refuse: state.refusesTokens.insert(instance.name)
        case .issue: state.refusesTokens.remove(instance.name)
        case .required: try instance.requireTokens(true)
        case .optional: try instance.requireTokens(false)
        }
    }

    // MARK: Requests

    package func received(_ request: EmulatedRequest, by instance: EmulatedInstance) {
        begin()
        progress()
    }

    package func direct(_ plan: inout WirePlan, for request: EmulatedRequest, by instance: EmulatedInstance) -> String? {
        let found = state.withLock { state -> (rule: String, fault: WireFault)? in
            guard let start = state.start else { return nil }
            if let found = state.faults.fault(of: request, at: clock.elapsed - start) { return found }
            let isRefused = request.isTokenRequest && state.refusesTokens.contains(instance.name)
            return isRefused ? (Self.refusedTokens, Self.refusal) : nil
        }
        found?.fault.change(&plan, isHead: request.isHead)
        let (status, rule) = (found?.fault.sendsHead == false ? nil : plan.status, found?.rule)
        state.withLock { state in
            state.planned += 1
            guard let start = state.start else { return }
            let time = request.moment - start
            state.expectations.observe(ObservedReply(request: request, status: status, rule: rule, time: max(.zero, time)))
            // The reply is decided: the next request sees what this one brings.
            for (step, time) in state.steps(after: request, at: clock.elapsed - start) { perform(step, at: time, &state) }
        }
        progress()
        return rule
    }

    package func ended(_ record: AccessRecord) {
        if keepsRecords { state.withLock { $0.records.append(record) } }
    }

    // MARK: Results and control

    /// The results of the expectations, as of now.
    package func results() -> [ExpectationResult] {
        progress()
        return state.withLock { state in state.expectations.results(at: clock.elapsed - (state.start ?? .zero)) }
    }

    /// The time since the start of the timeline.
    package var elapsed: Duration { state.withLock { $0.start }.map { clock.elapsed - $0 } ?? .zero }

    var records: (kept: [AccessRecord], dropped: Int) { state.withLock { ($0.records.kept, $0.records.dropped) } }

    /// How many requests have their reply decided; what waits by the clock was scheduled then or is about to be.
    var plannedRequests: Int { state.withLock { $0.planned } }

    /// Waits until everything that has come is done; not on the thread of the connections.
    func settle() { ports.settle() }

    func forgetRecords() { state.withLock { $0.records = RequestRecords() } }

    /// - Returns: whether there is space for them.
    func add(_ faults: [Fault]) -> Bool {
        let isAdded = state.withLock { $0.faults.add(faults) }
        if isAdded { progress() }
        return isAdded
    }

    func removeAddedFaults() {
        state.withLock { $0.faults.removeAdded() }
        progress()
    }

    /// A sentence about each fault that never happened: perhaps its path is misspelt.
    package var unusedFaults: [String] {
        state.withLock { $0.faults.unused }.map { fault, matches in
            let name = fault.givenName.map { "fault '\($0)'" } ?? fault.name
            guard matches == 0 else {
                let all = matches == 1 ? "the only matching request" : "all \(matches) matching requests"
                return "\(name) never applied: 'when' or an earlier fault excluded \(all)"
            }
            let hasWindow = fault.condition.from > .zero || fault.condition.to != nil
            return "\(name) never applied: there was no \(fault.requests.summary)\(hasWindow ? " in its time window" : "")"
        }
    }

    var faultNames: [String] { state.withLock { $0.faults.faults.map(\.name) } }

    var faultCounts: [(name: String, matches: Int, hits: Int)] { state.withLock { $0.faults.counts } }
}

extension WireFault {
    /// Whether a status reaches the client.
    var sendsHead: Bool {
        switch (answer, end) {
        case (.garbage, _), (.nothing, _), (_, .reset(afterBody: nil)): false
        default: true
        }
    }
}

extension EmulatedRequest {
    /// Whether it asks for a session token, in any version.
    var isTokenRequest: Bool { method == "PUT" && path?.names.suffix(2) == ["api", "token"] }
}
