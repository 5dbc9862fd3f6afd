import AsyncHTTPClient
import Common
import JSON
import Logging
import NIOCore
import NIOHTTP1
import OpenStackAPI
import ServiceLifecycle

/// The operator's services that have a say in vendor data, Nova's "dynamic vendor data targets": each is told of the instance and
/// answers with any JSON, which the guest finds under the target's name.
///
/// What a target said of an instance holds for a while, and no longer than the instance: a change in its domain makes a new one. A
/// target that fails costs the guest that target's word and nothing else.
final class VendorDataTargets: Service {
    /// How long what a target said is not asked for again.
    static let memory = Duration.seconds(60)
    /// How long a target that failed is not asked again about the same instance: shorter than clients wait before they try again.
    static let pause = Duration.seconds(5)
    /// How long the operator is not told again of a target that fails.
    static let silence = Duration.seconds(60)
    /// The longest answer that is taken, in bytes: cloud-init's parts together rarely have a tenth of that.
    static let longest = 256 << 10
    /// How many bytes of answers are kept, in all; beyond that all are asked for again.
    private static let most = 8 << 20
    /// How many requests one target gets at a time.
    private static let mostAtOnce = 64

    typealias Done = @Sendable ([JSONMember]) -> Void

    private struct Answer {
        let value: JSONValue
        /// Of its text, in bytes; what an answer costs besides counts as a few.
        let size: Int
        let expiry: ContinuousClock.Instant
    }

    /// What is known of an instance.
    private struct Entry {
        /// By target.
        var answers: [Answer?]
        /// Who waits while targets are asked; `nil` while none is.
        var waiting: [Done]?

        func isKnown(at time: ContinuousClock.Instant) -> Bool {
            waiting == nil && answers.allSatisfy { $0.map { time < $0.expiry } ?? false }
        }

        /// Whether any of it still holds.
        func isUseful(at time: ContinuousClock.Instant) -> Bool {
            answers.contains { $0.map { time < $0.expiry } ?? false }
        }
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var size = 0
        /// When those were last dropped that hold no longer: most are of instances that are gone or have changed since.
        var tidied: ContinuousClock.Instant?
        /// When the operator was last told of a target, by its number.
        var told: [Int: ContinuousClock.Instant] = [:]
    }

    /// Why a target's word is missing.
    private struct Failure: Error {
        let problem: String
    }

    /// Longer than a target is waited for.
    let limit: Duration

    private let targets: [VendorDataTarget]
    private let timeout: Duration
    private let client: HTTPClient
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Locked(State())

    /// - Parameters:
    ///   - targets: in the order in which guests find them; each name once.
    ///   - timeout: how long each may take, from the first byte of the question to the last one of the answer.
    ///   - group: where the connections to them are served; `nil` for loops of their own.
    ///   - now: the clock to go by.
    init(
        _ targets: [VendorDataTarget], timeout: Duration, on group: (any EventLoopGroup)?, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        (self.targets, self.timeout, self.logger, self.now) = (targets, timeout, logger, now)
        limit = timeout + .seconds(1)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(limit)))
        configuration.httpVersion = .http1Only
        // A guest waits, and asks again by itself.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.mostAtOnce
        client =
            group.map { HTTPClient(eventLoopGroup: $0, configuration: configuration) }
            ?? HTTPClient(configuration: configuration)
    }

    /// The targets of a configuration; `nil` where it has none.
    convenience init?(
        _ configuration: Configuration, on group: (any EventLoopGroup)?, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        guard !configuration.vendorDataTargets.isEmpty else { return nil }
        self.init(
            configuration.vendorDataTargets, timeout: configuration.vendorDataTimeout, on: group, logger: logger, now: now)
    }

    /// Keeps the connections until the server ends.
    func run() async throws {
        try? await gracefulShutdown()
        try await end()
    }

    /// Closes the connections; nobody may ask any more.
    func end() async throws {
        try await client.shutdown()
    }

    // MARK: Questions

    /// What the targets say of an instance, if that is known already.
    func known(about instance: Instance) -> [JSONMember]? {
        let time = now()
        return state.withLock { state in
            guard let entry = state.entries[instance.serial], entry.isKnown(at: time) else { return nil }
            return members(entry.answers)
        }
    }

    /// Asks the targets about an instance, all at once, and says what they said; of a target that fails, that is `{}`, as with Nova.
    ///
    /// - Parameter done: called once, on any thread.
    func ask(about instance: Instance, done: @escaping Done) {
        let time = now()
        let missing: [Int]? = state.withLock { state in
            var entry = state.entries.removeValue(forKey: instance.serial) ?? Entry(answers: targets.map { _ in nil })
            defer { state.entries[instance.serial] = entry }
            if entry.waiting != nil {
                entry.waiting?.append(done)
                return nil
            }
            entry.waiting = [done]
            return entry.answers.indices.filter { entry.answers[$0].map { $0.expiry <= time } ?? true }
        }
        guard let missing else { return }
        Task {
            let body = VendorDataRequest.body(about: instance)
            await withTaskGroup(of: (Int, Answer).self) { group in
                for number in missing {
                    group.addTask { (number, await self.answer(of: number, to: body, about: instance)) }
                }
                var answers: [Int: Answer] = [:]
                for await (number, answer) in group { answers[number] = answer }
                self.take(answers, about: instance)
            }
        }
    }

    /// What the targets say of an instance, for one who can wait.
    func answers(about instance: Instance) async -> [JSONMember] {
        await withCheckedContinuation { continuation in ask(about: instance) { continuation.resume(returning: $0) } }
    }

    private func members(_ answers: [Answer?]) -> [JSONMember] {
        zip(targets, answers).compactMap { target, answer in answer.map { JSONMember(target.name, $0.value) } }
    }

    /// Of how many instances something is kept.
    var remembered: Int { state.withLock { $0.entries.count } }

    // MARK: Answers

    private func take(_ new: [Int: Answer], about instance: Instance) {
        let time = now()
        let (waiting, told): ([Done], [JSONMember]) = state.withLock { state in
            guard var entry = state.entries[instance.serial] else { return ([], []) }
            for (number, answer) in new {
                state.size += answer.size - (entry.answers[number]?.size ?? 0)
                entry.answers[number] = answer
            }
            let waiting = entry.waiting ?? []
            entry.waiting = nil
            state.entries[instance.serial] = entry
            Self.makeRoom(in: &state, at: time)
            return (waiting, members(entry.answers))
        }
        for done in waiting { done(told) }
    }

    private static func makeRoom(in state: inout State, at time: ContinuousClock.Instant) {
        if state.tidied.map({ time - $0 >= memory }) ?? true {
            state.tidied = time
            drop(from: &state) { !$0.isUseful(at: time) }
        }
        guard state.size > most else { return }
        drop(from: &state) { !$0.isKnown(at: time) }
        // All of them still hold.
        if state.size > most { drop(from: &state) { _ in true } }
    }

    /// Drops those whose targets are not being asked.
    private static func drop(from state: inout State, where isToGo: (Entry) -> Bool) {
        state.entries = state.entries.filter { $0.value.waiting != nil || !isToGo($0.value) }
        state.size = state.entries.values.reduce(0) { $0 + $1.answers.reduce(0) { $0 + ($1?.size ?? 0) } }
    }

    private func answer(of number: Int, to body: [UInt8], about instance: Instance) async -> Answer {
        do throws(Failure) {
            let (value, size) = try await ask(targets[number], body)
            return Answer(value: value, size: size + Self.overhead, expiry: now() + Self.memory)
        } catch {
            tell(of: number, error, about: instance)
            return Answer(value: .object([]), size: Self.overhead, expiry: now() + Self.pause)
        }
    }

    /// About what an answer takes of our memory besides its text.
    private static let overhead = 256

    private func ask(_ target: VendorDataTarget, _ body: [UInt8]) async throws(Failure) -> (JSONValue, Int) {
        let bytes: [UInt8]
        do {
            bytes = try await inTime { try await self.post(body, to: target) }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(problem: problem(of: error))
        }
        guard !bytes.isEmpty else { return (.object([]), 0) }
        do throws(JSONError) {
            return (try JSONParsing.value(of: bytes), bytes.count)
        } catch {
            throw Failure(problem: "its answer cannot be read: \(error)")
        }
    }

    private func post(_ body: [UInt8], to target: VendorDataTarget) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        // Nova's, word for word: a target may look at them.
        request.headers = [
            "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "openstack-nova-vendordata",
        ]
        request.body = .bytes(body)
        let response = try await client.execute(request, deadline: .distantFuture)
        guard (200..<300).contains(response.status.code) else {
            throw Failure(problem: "it answers \(response.status.code)")
        }
        return Array(try await response.body.collect(upTo: Self.longest).readableBytesView)
    }

    /// The client's own deadline ends with the head of an answer, whose body may take longer.
    private func inTime(_ work: @escaping @Sendable () async throws -> [UInt8]) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask(operation: work)
            group.addTask {
                try await Task.sleep(for: self.timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() ?? nil else {
                throw Failure(problem: "it did not answer within \(timeout)")
            }
            return bytes
        }
    }

    private func problem(of error: any Error) -> String {
        switch error {
        case is NIOTooManyBytesError: "its answer is longer than \(Self.longest >> 10) KiB"
        default: "it cannot be asked: \(error)"
        }
    }

    private func tell(of number: Int, _ failure: Failure, about instance: Instance) {
        let time = now()
        let isNews = state.withLock { state in
            if let last = state.told[number], time - last < Self.silence { return false }
            state.told[number] = time
            return true
        }
        logger.log(
            level: isNews ? .warning : .debug, "a vendor data target has failed; the guest finds {} in its place",
            metadata: [
                "target": "\(targets[number].name)", "problem": "\(failure.problem)", "domain": "\(instance.domainName)",
            ])
    }
}
