import Common
import Foundation
import TestSupport
import Testing

@testable import Guests

/// The date of a reply in the format of RFC 9110 §5.6.7.
struct DateCacheTests {
    @Test(arguments: [
        (784_111_777.0, "Sun, 06 Nov 1994 08:49:37 GMT"), (0.0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_251_199.9, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (1_735_689_600.0, "Wed, 01 Jan 2025 00:00:00 GMT"),
    ])
    func `a time has the fixed format`(seconds: Double, expected: String) {
        #expect(DateCache(clock: { Date(timeIntervalSince1970: seconds) }).now == expected)
    }

    @Test func `the date follows its clock, also backwards`() {
        let clock = Locked(784_111_777.0)
        let cache = DateCache(clock: { Date(timeIntervalSince1970: clock.withLock { $0 }) })
        #expect(cache.now == "Sun, 06 Nov 1994 08:49:37 GMT")
        clock.withLock { $0 += 0.5 }
        #expect(cache.now == "Sun, 06 Nov 1994 08:49:37 GMT")
        clock.withLock { $0 += 0.5 }
        #expect(cache.now == "Sun, 06 Nov 1994 08:49:38 GMT")
        clock.withLock { $0 -= 10 }
        #expect(cache.now == "Sun, 06 Nov 1994 08:49:28 GMT")
    }
}
