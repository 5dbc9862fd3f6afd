import Common
import NIOCore

/// Carries out the plan for one reply, step by step, by the emulator's clock. Belongs to the connection's loop.
final class PlanRun: @unchecked Sendable {
    // Safe: every method is called on the loop of the connection; from the clock by `loop.execute`.

    /// How often bytes of a slow body are sent in a second, at most.
    private static let piecesPerSecond = 10

    let plan: WirePlan
    private let asked: EmulatedConnection.Asked
    private let rule: String?
    private let connection: EmulatedConnection
    private var done: ((AccessRecord.Ending) -> Void)?
    private var isRecorded = false
    private var sent = 0
    private var next: ScheduledAction?

    init(_ plan: WirePlan, for asked: EmulatedConnection.Asked, rule: String?, on connection: EmulatedConnection) {
        (self.plan, self.asked, self.rule, self.connection) = (plan, asked, rule, connection)
    }

    /// Whether nothing more is sent, and the client is to wait in vain.
    private(set) var isSilent = false

    /// Begins; `done` is called once, at the end.
    func start(done: @escaping (AccessRecord.Ending) -> Void) {
        self.done = done
        wait(plan.delay) { $0.sendHead() }
    }

    /// The connection has ended.
    func abandon() {
        next?.cancel()
        finish(isSilent ? .silence : .closedByClient)
    }

    /// Records the reply, once.
    private func record(_ ending: AccessRecord.Ending, bytes: Int) {
        guard !isRecorded else { return }
        isRecorded = true
        connection.desk.record(
            AccessRecord(
                request: asked.seen, number: asked.seen.number, instance: asked.seen.instance, time: asked.time,
                status: plan.status, bytes: bytes, rule: rule, ending: ending))
    }

    private func finish(_ ending: AccessRecord.Ending) {
        record(ending, bytes: sent)
        done.take()?(ending)
    }

    /// How the reply ends once all of the plan's bytes are handed over; `nil` where it does not end then.
    private var ending: AccessRecord.Ending? {
        switch plan.end {
        case .reset: .reset
        case .close, .asAgreed: plan.length == plan.head.count + plan.body.count ? .sent : .cut
        case .silence: nil
        }
    }

    // MARK: Steps

    private func sendHead() {
        guard plan.bodyDelay > .zero || plan.bodyRate != nil else { return send(upTo: plan.length) { $0.sendEnd() } }
        send(upTo: min(plan.length, plan.head.count)) { run in
            run.wait(run.plan.bodyDelay) { $0.sendPiece() }
        }
    }

    /// Sends the next piece of the body: all of it, unless its rate is limited.
    private func sendPiece() {
        guard let rate = plan.bodyRate, sent < plan.length else { return send(upTo: plan.length) { $0.sendEnd() } }
        let piece = max(1, rate / Self.piecesPerSecond)
        send(upTo: min(plan.length, sent + piece)) { run in
            guard run.sent < run.plan.length else { return run.sendEnd() }
            run.wait(.seconds(Double(piece) / Double(max(1, rate)))) { $0.sendPiece() }
        }
    }

    private func sendEnd() {
        if let ending { return finish(ending) }
        isSilent = true
        wait(WirePlan.longestSilence) { $0.finish(.silence) }
    }

    // MARK: Bytes and time

    private func send(upTo end: Int, then step: @escaping @Sendable (PlanRun) -> Void) {
        guard end > sent else { return step(self) }
        if end == plan.length, let ending { record(ending, bytes: end) }
        let headEnd = plan.head.count
        var bytes = sent < headEnd ? Array(plan.head[sent..<min(end, headEnd)]) : []
        if end > headEnd { bytes += plan.body[max(0, sent - headEnd)..<(end - headEnd)] }
        connection.write(bytes) { [self] in
            sent = end
            step(self)
        }
    }

    private func wait(_ time: Duration, then step: @escaping @Sendable (PlanRun) -> Void) {
        guard time > .zero else { return step(self) }
        next = connection.desk.clock.schedule(after: time) { [self] in
            connection.desk.loop.execute { [self] in if done != nil { step(self) } }
        }
    }
}
