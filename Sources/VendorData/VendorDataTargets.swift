package import Common
package import Logging
import OpenStackAPI

/// The operator's services that add to vendor data, Nova's "dynamic vendor data targets": each is sent the instance and replies
/// with any JSON, which the guest finds under the target's name.
///
/// A target that fails costs the guest that target's value and nothing else. ``VendorDataAnswers`` decides which replies are
/// kept, ``VendorDataClient`` requests one target.
package final class VendorDataTargets: Sendable {
    /// How long a warning about a failing target is not repeated.
    static let silence = Duration.seconds(60)

    package typealias Done = @Sendable ([JSONMember]) -> Void

    private struct State {
        var answers: VendorDataAnswers
        /// When a warning was last logged about a target, by its number.
        var warned: [Int: ContinuousClock.Instant] = [:]
    }

    /// Longer than any target's timeout.
    package let limit: Duration

    private let targets: [VendorDataTarget]
    private let client: VendorDataClient
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    /// - Parameters:
    ///   - targets: in the order in which guests find them; each name once.
    ///   - timeout: of each target, from the first byte of the request to the last one of the reply.
    ///   - now: the current time.
    package init(
        _ targets: [VendorDataTarget], timeout: Duration, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        (self.targets, self.logger, self.now) = (targets, logger, now)
        client = VendorDataClient(timeout: timeout)
        limit = timeout + .seconds(1)
        state = Locked(State(answers: VendorDataAnswers(targets: targets.count)))
    }

    /// The members that the targets add for an instance, where all are known already.
    package func known(about instance: Instance) -> [JSONMember]? {
        let time = now()
        return state.withLock { $0.answers.values(for: instance.serial, at: time) }.map(members)
    }

    /// Requests all targets about an instance at once; a target that fails adds `{}`, as in Nova.
    ///
    /// - Parameter done: called once, on any thread.
    package func ask(about instance: Instance, done: @escaping Done) {
        let time = now()
        let missing = state.withLock { state in
            state.answers.wait(for: instance.serial, at: time) { done(self.members($0)) }
        }
        guard let missing else { return }
        Task {
            let body = VendorDataRequest.body(about: instance)
            let new = await withTaskGroup(of: (Int, VendorDataAnswers.Answer).self) { group in
                for number in missing {
                    group.addTask { (number, await self.answer(of: number, to: body, about: instance)) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            let time = self.now()
            let (waiting, values) = self.state.withLock { $0.answers.take(new, for: instance.serial, at: time) }
            for done in waiting { done(values) }
        }
    }

    /// The members that the targets add for an instance, for an asynchronous caller.
    package func answers(about instance: Instance) async -> [JSONMember] {
        await withCheckedContinuation { continuation in ask(about: instance) { continuation.resume(returning: $0) } }
    }

    private func members(_ values: [JSONValue]) -> [JSONMember] {
        zip(targets, values).map { JSONMember($0.name, $1) }
    }

    private func answer(of number: Int, to body: [UInt8], about instance: Instance) async -> VendorDataAnswers.Answer {
        do throws(VendorDataClient.Failure) {
            let (value, size) = try await client.value(of: targets[number], body)
            return VendorDataAnswers.Answer(value, size: size, at: now())
        } catch {
            warn(of: number, error, about: instance)
            return VendorDataAnswers.Answer(failedAt: now())
        }
    }

    private func warn(of number: Int, _ failure: VendorDataClient.Failure, about instance: Instance) {
        let time = now()
        let isNews = state.withLock { state in
            if let last = state.warned[number], time - last < Self.silence { return false }
            state.warned[number] = time
            return true
        }
        logger.log(
            level: isNews ? .warning : .debug, "vendordata target failed; its data is {}",
            metadata: [
                "target": "\(targets[number].name)", "error": "\(failure.problem)", "domain.name": "\(instance.domainName)",
                "domain.uuid": "\(instance.domain)", "setting": "vendordata-target",
            ])
    }
}
