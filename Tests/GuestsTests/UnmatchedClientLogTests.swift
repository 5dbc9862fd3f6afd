import Common
import Logging
import TestSupport
import Testing

@testable import Guests

/// The log of unmatched clients.
struct UnmatchedClientLogTests {
    @Test func `a client is logged once a minute, and again for another reason`() throws {
        let journal = Journal()
        let log = journal.log
        let client = Client(address: IPAddress(v4: 1), mac: nil)
        let mac = MACAddress(bits: 2)
        for _ in 0..<5 { log.note(client, .noHardwareAddress) }
        #expect(journal.notices == ["no MAC address is known for the client"])
        for _ in 0..<5 { log.note(client, .noOwner(mac)) }
        #expect(journal.notices.count == 2)
        journal.advance(by: LogThrottleLimits.memory)
        log.note(client, .noOwner(mac))
        #expect(journal.notices.count == 3)
        #expect(journal.others.count == 8, "the rest is for those who ask for debug")
    }

    @Test func `a client is logged with its addresses, its bridge and its port`() {
        let seen = Locked<Logger.Metadata>([:])
        let log = UnmatchedClientLog(logger: RecordingLog.logger { event in seen.withLock { $0 = event.metadata ?? [:] } })
        let mac = MACAddress(bits: 2)
        log.note(Client(address: IPAddress(v4: 1), mac: mac, entrance: .port("tap0", bridge: "br0")), .noOwner(mac))
        #expect(
            seen.withLock { $0 } == [
                "client.ip": "0.0.0.1", "client.mac": "00:00:00:00:00:02", "bridge": "br0", "port": "tap0",
                "error": "no running domain has an interface 00:00:00:00:00:02",
            ])
    }

    @Test func `of very many clients a few are logged, and that there are more`() {
        let journal = Journal()
        let log = journal.log
        for number in 0..<10_000 { log.note(Client(address: IPAddress(v4: UInt32(number)), mac: nil), .noHardwareAddress) }
        #expect(journal.notices.count == LogThrottleLimits.capacity + 1)
        journal.advance(by: LogThrottleLimits.memory)
        log.note(Client(address: IPAddress(v4: 7), mac: nil), .noHardwareAddress)
        #expect(journal.notices.count == LogThrottleLimits.capacity + 2)
    }

    @Test func `a client with alternating reasons does not log without end`() {
        let journal = Journal()
        let log = journal.log
        for number in 0..<10_000 {
            log.note(Client(address: IPAddress(v4: 1), mac: nil), .noOwner(MACAddress(bits: UInt64(number))))
        }
        #expect(journal.notices.count == LogThrottleLimits.mostOfSubject)
    }

    @Test func `a guest that invents addresses does not hide another one`() {
        let journal = Journal()
        let log = journal.log
        for number in 0..<10_000 {
            let mac = MACAddress(bits: UInt64(number))
            let client = Client(address: IPAddress(v4: UInt32(number)), mac: mac, entrance: .port("tap0", bridge: "br0"))
            log.note(client, .noOwner(mac))
        }
        let before = journal.notices.count
        #expect(before == LogThrottleLimits.mostOfSubject)
        log.note(Client(address: IPAddress(v4: 1), mac: nil, entrance: .port("tap1", bridge: "br0")), .noHardwareAddress)
        #expect(journal.notices.count == before + 1)
    }
}

/// A log that a test reads, and a clock that it sets.
private final class Journal: Sendable {
    private let state = Locked<(notices: [String], others: [String], time: ContinuousClock.Instant)>(([], [], .now))

    var notices: [String] { state.withLock { $0.notices } }
    var others: [String] { state.withLock { $0.others } }
    var log: UnmatchedClientLog {
        let logger = RecordingLog.logger { event in
            let reason = event.metadata?["error"].map { "\($0)" } ?? ""
            self.state.withLock { event.level == .notice ? $0.notices.append(reason) : $0.others.append(reason) }
        }
        return UnmatchedClientLog(logger: logger, now: { self.state.withLock { $0.time } })
    }

    func advance(by time: Duration) {
        state.withLock { $0.time += time }
    }
}
