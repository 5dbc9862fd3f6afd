import Common
import Testing

@testable import Host

struct PortHolderTableTests {
    @Test func `listeners of the port are found, of both families, and nothing else`() {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        let tail = "00000000:00000000 00:00000000 00000000     0        0"
        let table =
            head + "   0: 0100007F:0050 00000000:0000 0A \(tail) 17 1 0 100 0 0 10 0\n"
            + "   1: 00000000:1F90 00000000:0000 0A \(tail) 18 1\n"
            + "   2: 0100007F:0050 0100007F:D431 01 \(tail) 19 1\n"
            + "   3: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A \(tail) 20 1\n"
            + "   4: nonsense\n   5: 00:0050 0:0 0A \(tail) 21 1\n"
        let found = PortHolder.listeners(in: table, onPort: 80)
        #expect(found == [17: IPAddress("127.0.0.1"), 20: IPAddress("::")].compactMapValues { $0 })
    }
}
