import Common
import Foundation
import Testing

@testable import Netlink

struct NeighbourLimitsTests {
    @Test func `a table's capacity is the kernel's setting`() throws {
        let most = try #require(try NeighbourLimits.mostEntries(.v4))
        #expect(most > 0)
        // Only the first network namespace shows the setting, and not in every container.
        if let text = try? String(contentsOfFile: "/proc/sys/net/ipv4/neigh/default/gc_thresh3", encoding: .utf8) {
            #expect(text == "\(most)\n")
        }
        #expect(try NeighbourLimits.mostEntries(.v6) != nil)
    }
}
