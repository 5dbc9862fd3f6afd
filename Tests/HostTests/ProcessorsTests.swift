import Foundation
import TestSupport
import Testing

@testable import Host

/// How many processors this process may use.
struct ProcessorsTests {
    @Test func `as many as the kernel lists for this process`() throws {
        let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        let list = try #require(status.firstMatch(of: /Cpus_allowed_list:\s*(\S+)/)?.1)
        let count = list.split(separator: ",").reduce(0) { sum, range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            return sum + (ends.last ?? 0) - (ends.first ?? 0) + 1
        }
        #expect(Processors.usable == count)
        #expect(Processors.usable >= 1)
    }
}
