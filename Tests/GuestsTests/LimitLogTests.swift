import Common
import Logging
import TestSupport
import Testing

@testable import Guests

/// The log of limits that guests meet.
struct LimitLogTests {
    @Test func `a shared limit is logged once a minute, however many guests were logged`() {
        let events = Locked<[String]>([])
        let time = Locked(ContinuousClock.now)
        let log = LimitLog(logger: RecordingLog.logger { event in events.withLock { $0.append("\(event.message)") } }) {
            time.withLock { $0 }
        }
        for number in 0..<1000 { log.note(.address(IPAddress(v4: UInt32(number))), .memory) }
        #expect(events.withLock { $0.count } == LogThrottleLimits.capacity)
        for number in 0..<1000 { log.note(.address(IPAddress(v4: UInt32(number))), .allConnections) }
        for _ in 0..<10 { log.note(nil, .allHeldRequests) }
        let last = events.withLock { $0.dropFirst(LogThrottleLimits.capacity) }
        #expect(last.count == 2)
        #expect(last.first?.hasPrefix("connection limit exceeded") == true)
        time.withLock { $0 += LogThrottleLimits.memory }
        log.note(.port("tap0"), .allConnections)
        #expect(events.withLock { $0.count } == LogThrottleLimits.capacity + 3)
    }

    @Test func `each limit of one guest is logged with the guest, and has its own counter`() {
        let events = Locked<[Logger.Metadata]>([])
        let log = LimitLog(logger: RecordingLog.logger { event in events.withLock { $0.append(event.metadata ?? [:]) } })
        let own: [ConnectionLimits.Exceeded] = [
            .connections, .connectionRate, .heldRequests, .requests, .waitingRequests, .memory, .slowReading,
        ]
        for exceeded in own { log.note(.port("tap0"), exceeded) }
        #expect(events.withLock { $0 }.map { $0["port"] } == Array(repeating: "tap0", count: own.count))
        for _ in 0..<1000 { for exceeded in own { log.note(.port("tap0"), exceeded) } }
        log.note(.port("tap1"), .memory)
        #expect(events.withLock { $0.count } == LogThrottleLimits.mostOfSubject + 1, "one guest does not hide another")
        let all = own + [.allConnections, .allHeldRequests]
        #expect(Set(all.map { ServerMetrics.Refusal($0).rawValue }).count == all.count)
    }
}
