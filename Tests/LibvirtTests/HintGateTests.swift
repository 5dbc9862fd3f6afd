import Common
import Testing

@testable import Libvirt

struct HintGateTests {
    /// Where on the stack a hint was last heard.
    private final class Ear: Sendable {
        private let place = Locked<UInt>(0)

        var depth: UInt { place.withLock { $0 } }

        func hear() {
            var marker: UInt8 = 0
            // Safe: the address is only compared.
            let here = unsafe withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
            place.withLock { $0 = here }
        }
    }

    private let ear = Ear()

    private func depth(of gate: HintGate) -> UInt {
        gate.pass(.network(name: "default"))
        return ear.depth
    }

    @Test func `the thousandth hint is heard no deeper in the stack than the first`() {
        let gate = HintGate { [ear] _ in ear.hear() }
        let first = depth(of: gate)
        for _ in 0..<1000 { _ = depth(of: gate) }
        #expect(first != 0)
        #expect(depth(of: gate) == first)
    }

    @Test func `a gate that is closed lets nothing pass`() {
        let gate = HintGate { [ear] _ in ear.hear() }
        gate.close()
        #expect(depth(of: gate) == 0)
    }
}
