import Common
import NIOCore
import TestSupport
import Testing

@testable import Guests

/// The last requests of each instance.
struct RequestJournalTests {
    private static func record(_ number: Int) -> RequestJournal.Record {
        .init(
            time: .uptimeNanoseconds(UInt64(number)), duration: .microseconds(1), method: "GET", target: "/\(number)", status: 200
        )
    }

    private static func domain(_ number: Int) throws -> InstanceUUID {
        let digits = String(number)
        return try #require(InstanceUUID("00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits))
    }

    @Test func `the last requests of each instance are kept, in order`() throws {
        let journal = RequestJournal { Snapshot() }
        let (one, other) = (try Self.domain(1), try Self.domain(2))
        let most = RequestJournal.length
        for number in 0..<most + 24 { journal.add(Self.record(number), of: one) }
        journal.add(Self.record(7), of: other)
        #expect(journal.requests(of: one).records.map(\.target) == (24..<most + 24).map { "/\($0)" })
        #expect(journal.requests(of: one).count == most + 24)
        #expect(journal.requests(of: other).records.map(\.target) == ["/7"])
        #expect(journal.requests(of: try Self.domain(3)).records.isEmpty)
    }

    @Test func `requests of an earlier run of the domain are told from those of the current one`() throws {
        let domain = try Self.domain(1)
        let board = SnapshotBoard()
        func start(_ number: Int) throws -> DomainRun {
            board.publish(try Self.snapshot(of: 1...1, libvirtID: number, from: board.snapshot))
            return try #require(board.snapshot.run(of: domain))
        }
        let journal = RequestJournal { board.snapshot }
        let first = try start(1)
        for number in 0..<3 { journal.add(Self.record(number), of: domain, in: first) }
        #expect(journal.requests(of: domain).earlier == 0)
        let second = try start(2)
        // The guest of the second run has not sent anything yet.
        #expect(journal.requests(of: domain).earlier == 3)
        journal.add(Self.record(3), of: domain, in: second)
        // A late reply of the first run does not change that. Without a run, the request is one of the current run.
        journal.add(Self.record(4), of: domain, in: first)
        journal.add(Self.record(5), of: domain)
        #expect(journal.requests(of: domain).earlier == 3)
        #expect(journal.requests(of: domain).count == 6)
        // Of a longer run only requests of that run are kept.
        for number in 6..<RequestJournal.length + 4 { journal.add(Self.record(number), of: domain, in: second) }
        #expect(journal.requests(of: domain).earlier == 0)
        #expect(journal.requests(of: domain).records.first?.target == "/4")
    }

    @Test func `beyond the limit the instances that were silent for longest are dropped`() throws {
        let most = RequestJournal.mostInstances
        let all = try Self.snapshot(of: 0...most)
        let journal = RequestJournal { all }
        for number in 0...most { journal.add(Self.record(number), of: try Self.domain(number)) }
        #expect(journal.requests(of: try Self.domain(0)).records.isEmpty)
        #expect(journal.requests(of: try Self.domain(most / 2)).records.isEmpty)
        #expect(!journal.requests(of: try Self.domain(most / 2 + 1)).records.isEmpty)
        #expect(!journal.requests(of: try Self.domain(most)).records.isEmpty)
    }

    @Test func `removed instances are dropped`() throws {
        let few = RequestJournal.fewestInstances
        let present = try Self.snapshot(of: 0...few)
        let journal = RequestJournal { present }
        for number in 0..<(10 * few) { journal.add(Self.record(number), of: try Self.domain(number)) }
        for number in 0..<few { #expect(!journal.requests(of: try Self.domain(number)).records.isEmpty) }
        let gone = try (2 * few..<10 * few).count { !journal.requests(of: try Self.domain($0)).records.isEmpty }
        #expect(gone <= few + 2)
    }

    private static func snapshot(
        of numbers: ClosedRange<Int>, libvirtID: Int = 1, from before: Snapshot = Snapshot()
    ) throws -> Snapshot {
        var snapshot = before
        for number in numbers {
            let domain = try domain(number)
            snapshot.insert(
                Instance(
                    names: InstanceNames(
                        domain: domain, domainName: "\(number)", libvirtID: libvirtID, uuid: domain, id: "i-\(number)",
                        name: "\(number)", hostname: "web"),
                    launch: LaunchFacts(type: "small")))
        }
        return snapshot
    }

    @Test func `a long target is cut`() {
        let long = "/" + String(repeating: "é", count: 100)
        let kept = RequestJournal.kept(long)
        #expect(kept.hasSuffix("…"))
        #expect(kept.utf8.count <= RequestJournal.longestTarget + 6)
        #expect(RequestJournal.kept("/latest/") == "/latest/")
    }
}
