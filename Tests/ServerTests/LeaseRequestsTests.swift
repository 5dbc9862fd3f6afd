import Common
import Testing

@testable import Server

struct LeaseRequestsTests {
    @Test func `a network's leases are requested at intervals, for each network separately`() {
        let passed = Locked<[String]>([])
        let now = Locked(ContinuousClock.now)
        let requests = LeaseRequests(now: { now.withLock { $0 } }) { network, host in
            passed.withLock { $0.append("\(network) \(host.index)") }
        }
        func ask() {
            for _ in 0..<10 {
                requests.want("default", HostNumber(0))
                requests.want("default", HostNumber(1))
                requests.want("other", HostNumber(0))
            }
        }
        ask()
        #expect(passed.withLock { $0 } == ["default 0", "default 1", "other 0"])
        now.withLock { $0 += LeaseRequests.pause - .milliseconds(1) }
        ask()
        #expect(passed.withLock { $0.count } == 3)
        now.withLock { $0 += .milliseconds(1) }
        ask()
        #expect(passed.withLock { $0 } == ["default 0", "default 1", "other 0", "default 0", "default 1", "other 0"])
    }
}
