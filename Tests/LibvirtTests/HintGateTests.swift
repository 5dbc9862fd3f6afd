import Common
import Foundation
import Testing

@testable import Libvirt

struct HintGateTests {
    /// How many calls there were around the last hint.
    private final class Ear: Sendable {
        private let calls = Locked(0)

        var depth: Int { calls.withLock { $0 } }

        func hear() {
            let depth = Thread.callStackReturnAddresses.count
            calls.withLock { $0 = depth }
        }
    }

    private let ear = Ear()

    private func depth(of gate: HintGate) -> Int {
        gate.pass(.network(name: "default"))
        return ear.depth
    }

    @Test func `the thousandth hint is passed no deeper in the stack than the first`() {
        let gate = HintGate { [ear] _ in ear.hear() }
        let first = depth(of: gate)
        for _ in 0..<1000 { _ = depth(of: gate) }
        #expect(first != 0)
        #expect(depth(of: gate) == first)
    }

    @Test func `a closed gate passes nothing`() {
        let gate = HintGate { [ear] _ in ear.hear() }
        gate.close()
        #expect(depth(of: gate) == 0)
    }
}
