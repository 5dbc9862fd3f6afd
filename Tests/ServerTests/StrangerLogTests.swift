import Common
import Logging
import Testing

@testable import Server

/// What the operator is told of callers that are not known.
struct StrangerLogTests {
    @Test func `a caller is told of once a minute, and again for another reason`() throws {
        let journal = Journal()
        let log = journal.strangers
        let caller = Caller(address: IPAddress(v4: 1), mac: nil)
        let mac = MACAddress(bits: 2)
        for _ in 0..<5 { log.note(caller, .noHardwareAddress) }
        #expect(journal.notices == ["no hardware address is known for it"])
        for _ in 0..<5 { log.note(caller, .noOwner(mac)) }
        #expect(journal.notices.count == 2)
        journal.advance(by: NoveltyLimits.memory)
        log.note(caller, .noOwner(mac))
        #expect(journal.notices.count == 3)
        #expect(journal.others.count == 8, "the rest is for those who ask for debug")
    }

    @Test func `of very many callers a few are told of, and that there are more`() {
        let journal = Journal()
        let log = journal.strangers
        for number in 0..<10_000 { log.note(Caller(address: IPAddress(v4: UInt32(number)), mac: nil), .noHardwareAddress) }
        #expect(journal.notices.count == NoveltyLimits.capacity + 1)
        journal.advance(by: NoveltyLimits.memory)
        log.note(Caller(address: IPAddress(v4: 7), mac: nil), .noHardwareAddress)
        #expect(journal.notices.count == NoveltyLimits.capacity + 2)
    }

    @Test func `a caller that alternates its reasons does not write without end`() {
        let journal = Journal()
        let log = journal.strangers
        for number in 0..<10_000 {
            log.note(Caller(address: IPAddress(v4: 1), mac: nil), .noOwner(MACAddress(bits: UInt64(number))))
        }
        #expect(journal.notices.count == NoveltyLimits.capacity + 1)
    }
}

/// A log that a test reads, and a clock that it sets.
private final class Journal: Sendable {
    private let state = Locked<(notices: [String], others: [String], time: ContinuousClock.Instant)>(([], [], .now))

    var notices: [String] { state.withLock { $0.notices } }
    var others: [String] { state.withLock { $0.others } }
    var strangers: StrangerLog {
        let logger = RecordingLog.logger { event in
            let reason = event.metadata?["reason"].map { "\($0)" } ?? ""
            self.state.withLock { event.level == .notice ? $0.notices.append(reason) : $0.others.append(reason) }
        }
        return StrangerLog(logger: logger, now: { self.state.withLock { $0.time } })
    }

    func advance(by time: Duration) {
        state.withLock { $0.time += time }
    }
}
