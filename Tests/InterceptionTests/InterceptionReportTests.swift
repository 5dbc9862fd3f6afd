import Common
import Logging
import TestSupport
import Testing

@testable import Interception

struct InterceptionReportTests {
    /// How often something was counted.
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

    @Test func `a full memory suppresses what is new, says so once, and keeps what is known`() {
        let most = InterceptionReport.Memory.most
        var report = report
        for _ in 0..<20 {
            for number in 0..<most + 256 { report.log(.notABridge("link\(number)")) }
        }
        #expect(log.value == most + 1)
        #expect(report.loggedOfAuthors.texts.count == most)
        for number in 0..<10 * most { report.log(.portUnnamable("port*\(number)", on: "br0")) }
        #expect(log.value == most + 1 && report.loggedOfAuthors.texts.count == most)
    }

    @Test func `a bridge that is served and released without end is logged a limited number of times`() {
        let (start, ticks) = (ContinuousClock.now, Count())
        var report = InterceptionReport(
            logger: RecordingLog.logger { [log] _ in log.add() }, now: { start + .seconds(2) * ticks.value })
        for _ in 0..<10_000 { report.ends("br0") }
        for _ in 0..<10_000 { report.bridgeGone("br0") }
        // And once that there are more.
        #expect(log.value == 301)
        for _ in 0..<3 { ticks.add() }
        for _ in 0..<10 { report.released("br0") }
        #expect(log.value == 305)
    }

    @Test func `names that domains' authors choose do not hide an error of the server`() {
        var report = report
        for number in 0..<2 * InterceptionReport.Memory.most { report.log(.notABridge("link\(number)")) }
        let before = log.value
        report.failed("set rules", on: "nftables", "no memory")
        #expect(log.value == before + 1)
    }

    @Test func `a memory that has been full for an hour begins again`() {
        let (start, hours) = (ContinuousClock.now, Count())
        let most = InterceptionReport.Memory.most
        var report = InterceptionReport(
            logger: RecordingLog.logger { [log] _ in log.add() },
            now: { start + InterceptionReport.Memory.interval * hours.value })
        for number in 0..<most + 1 { report.log(.notABridge("link\(number)")) }
        hours.add()
        report.log(.notABridge("another"))
        #expect(log.value == most + 2)
        #expect(report.loggedOfAuthors.texts.count == 1)
    }

    // MARK: Missing bridges

    private static func missing(_ numbers: some Sequence<Int>) -> InterceptionNote {
        .bridgesMissing(numbers.map { .init(name: "br\($0)", source: .option) })
    }

    @Test func `however many bridges are missing, one line is about them, and another about those that are new`() {
        let lines = Locked<[String]>([])
        var report = InterceptionReport(
            logger: RecordingLog.logger { event in lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") } })
        for _ in 0..<20 { report.log(Self.missing(0..<1280)) }
        #expect(lines.withLock { $0.count } == 1)
        #expect(lines.withLock { $0.first?.contains("br0, br1, br2, br3, br4, br5, br6, br7 and 1272 more") } == true)
        #expect(lines.withLock { $0.first?.hasPrefix("bridges do not exist") } == true)
        report.log(Self.missing(0..<1281))
        #expect(lines.withLock { $0.last?.hasPrefix("bridge does not exist") } == true)
        // Of a bridge that was there in between it is logged again.
        report.log(Self.missing(1..<1281))
        report.log(Self.missing(0..<1281))
        #expect(lines.withLock { $0.count } == 3)
    }
}
