import Common
import Libvirt
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Description
@testable import Inventory

/// An author who changes a domain's XML again and again must not fill the log.
@Suite struct LogAllowanceTests {
    private let domain = InstanceUUID(octets: [UInt8](repeating: 1, count: 16))
    private let other = InstanceUUID(octets: [UInt8](repeating: 2, count: 16))

    @Test func `an allowance is spent in a row, and comes back line by line`() throws {
        let (domain, other) = (try #require(domain), try #require(other))
        var (allowance, now) = (LogAllowance(), ContinuousClock.now)
        let first = (0..<LogAllowance.ofOne.most).map { _ in allowance.take(.domain(domain), at: now) }
        #expect(first.allSatisfy { $0 == .granted })
        #expect(allowance.take(.domain(domain), at: now) == .firstDenied && allowance.take(.domain(domain), at: now) == .denied)
        #expect(allowance.take(.domain(other), at: now) == .granted)
        now += LogAllowance.ofOne.interval
        #expect(allowance.take(.domain(domain), at: now) == .granted && allowance.take(.domain(domain), at: now) == .firstDenied)
        now += LogAllowance.ofOne.interval * (2 * LogAllowance.ofOne.most)
        #expect((0..<LogAllowance.ofOne.most).allSatisfy { _ in allowance.take(.domain(domain), at: now) == .granted })
        #expect(allowance.take(.domain(domain), at: now) == .firstDenied)
    }

    @Test func `a domain that changes a thousand times is logged some times, also if it is started again each time`() throws {
        let domain = try #require(domain)
        let lines = Locked<[String]>([])
        let logger = RecordingLog.logger { event in lines.withLock { $0.append(event.message.description) } }
        let now = ContinuousClock.now
        var report = InventoryReport(
            uri: "test:///", isLocal: true, health: HypervisorHealth(uri: "test:///", host: .local), logger: logger, now: { now })
        for number in 0..<1000 {
            report.assembled(domain, named: "web", findings: [Finding(.unusable, line: number, element: "hostname", "x")])
            report.unusable(domain, named: "web", DescriptionError(line: number, "y"))
            if number % 3 == 0 { report.forgotten(domain) }
        }
        let logged = lines.withLock { $0 }
        #expect(logged.count == LogAllowance.ofOne.most + 1)
        #expect(logged.last == "a domain changes often with unusable values; not all of them are logged")
        report.assembled(try #require(other), named: "db", findings: [Finding(.unusable, line: 1, element: "hostname", "x")])
        #expect(lines.withLock { $0.last } == "unusable value in a domain's metadata; it is not served")
    }

    @Test func `a network that is defined with a problem a thousand times is logged some times`() {
        let lines = Locked<[String]>([])
        let logger = RecordingLog.logger { event in lines.withLock { $0.append(event.message.description) } }
        let now = ContinuousClock.now
        var report = InventoryReport(
            uri: "test:///", isLocal: true, health: HypervisorHealth(uri: "test:///", host: .local), logger: logger, now: { now })
        for number in 0..<1000 {
            report.unusable(network: "large", DescriptionError(line: number, "x"))
            report.forgotten(network: "large")
        }
        let logged = lines.withLock { $0 }
        #expect(logged.count == LogAllowance.ofOne.most + 1)
        #expect(logged.last == "a network changes often with problems; not all of them are logged")
        // Of networks with ever new names there is no more than about all subjects.
        for number in 0..<5000 { report.unusable(network: LibvirtName("large-\(number)"), DescriptionError(line: 1, "x")) }
        #expect(lines.withLock { $0.count } <= LogAllowance.ofAll.most + 2)
        #expect(lines.withLock { $0.last } == "many domains or networks have unusable values; not all of them are logged")
    }

    private static func uuid(_ number: Int) -> InstanceUUID? {
        InstanceUUID(octets: [UInt8](repeating: 3, count: 14) + [UInt8(number >> 8), UInt8(number & 255)])
    }

    /// A report of domains with mistakes, its time, and the lines that it logs.
    private final class Reported: Sendable {
        private let time = Locked(ContinuousClock.now)
        private let logged = Locked<[String]>([])

        var lines: [String] { logged.withLock { $0 } }

        func wait(_ duration: Duration) { time.withLock { $0 += duration } }

        func report() -> InventoryReport {
            let logger = RecordingLog.logger { event in
                self.logged.withLock { $0.append("\(event.message) \(event.metadata?["domain.name"]?.description ?? "")") }
            }
            return InventoryReport(
                uri: "test:///", isLocal: true, health: HypervisorHealth(uri: "test:///", host: .local), logger: logger,
                now: { self.time.withLock { $0 } })
        }
    }

    private func assemble(_ domains: Range<Int>, values: Int, _ report: inout InventoryReport) throws {
        for number in domains {
            let findings = (1...values).map { Finding(.unusable, line: $0, element: "tags/tag", "x") }
            report.assembled(try #require(Self.uuid(number)), named: "bad-\(number)", findings: findings)
        }
    }

    @Test func `five hundred domains with mistakes have a thousand lines, and one that says that there are more`() throws {
        let reported = Reported()
        var report = reported.report()
        try assemble(0..<500, values: 60, &report)
        let most = LogAllowance.ofAll.most
        #expect(reported.lines.count == most + 1)
        #expect(reported.lines.count { $0.hasPrefix("many domains or networks have unusable values") } == 1)
        // A minute later there are sixty more, after a line with the number of those that were left out.
        reported.wait(LogAllowance.summaryInterval)
        report.synchronised(instances: 500)
        #expect(reported.lines.contains { $0.hasPrefix("lines about domains or networks with unusable values were not logged") })
        let before = reported.lines.count
        try assemble(500..<1000, values: 1, &report)
        #expect(reported.lines.count == before + 60 + 1)
    }

    @Test func `of a hundred domains with many mistakes each there are some lines about each`() throws {
        let reported = Reported()
        var report = reported.report()
        try assemble(0..<100, values: 60, &report)
        let lines = reported.lines
        for number in 0..<100 {
            #expect(lines.count { $0.hasSuffix(" bad-\(number)") } >= LogAllowance.mostOfLastHalf)
        }
        #expect(lines.count <= LogAllowance.ofAll.most + 1)
    }
}
