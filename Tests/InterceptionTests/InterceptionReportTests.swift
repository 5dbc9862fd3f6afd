import Common
import Logging
import TestSupport
import Testing

@testable import Interception

struct InterceptionReportTests {
    /// How many lines were logged.
    private final class Count: Sendable {
        private let lines = Locked(0)
        var value: Int { lines.withLock(\.self) }
        func add() { lines.withLock { $0 += 1 } }
    }

    private let log = Count()

    private var report: InterceptionReport { InterceptionReport(logger: RecordingLog.logger { [log] _ in log.add() }) }

    @Test func `a fact is logged once, and again when it has changed`() {
        var report = report
        for _ in 0..<3 { report.log(.cannotRedirect("br0", "port 80 is held")) }
        report.log(.cannotRedirect("br0", "port 80 is held by another"))
        #expect(log.value == 2)
        report.log(.canRedirect("br0"))
        report.log(.cannotRedirect("br0", "port 80 is held by another"))
        #expect(log.value == 3)
    }

    @Test func `names chosen by domains' authors do not fill the memory: beyond a limit all is logged again`() {
        var report = report
        for number in 0..<InterceptionReport.mostRemembered { report.log(.notABridge("link\(number)")) }
        #expect(report.logged.count == InterceptionReport.mostRemembered)
        #expect(log.value == InterceptionReport.mostRemembered)
        report.log(.notABridge("one-more"))
        #expect(report.logged.count == 1)
        report.log(.notABridge("link0"))
        #expect(log.value == InterceptionReport.mostRemembered + 2)
        for number in 0..<10 * InterceptionReport.mostRemembered {
            report.log(.portUnnamable("port*\(number)", on: "br0"))
            guard report.logged.count > InterceptionReport.mostRemembered else { continue }
            Issue.record("\(report.logged.count) facts are remembered")
            return
        }
    }
}
