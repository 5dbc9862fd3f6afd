import CLinux
import Foundation

/// What this process holds at one moment, while the server in it is at rest.
struct Sample {
    /// The hour of the day.
    let hour: String
    /// How many events of domains there were until then.
    let events: Int
    /// How many requests there were until then.
    let requests: Int
    /// What was allocated and not freed, in KiB.
    let allocated: Int
    /// RssAnon, in KiB: what the process has of its own.
    let anonymous: Int
    let descriptors: Int
    let threads: Int

    init(hour: String, events: Int, requests: Int) {
        (self.hour, self.events, self.requests) = (hour, events, requests)
        let heap = mallinfo2()
        allocated = (heap.uordblks + heap.hblkhd) >> 10
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        (anonymous, threads) = (Self.number("RssAnon", in: status), Self.number("Threads", in: status))
        // The one that it is read by is among them, each time.
        descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
    }

    static let head = """
        | hour | events | requests | allocated, KiB | RssAnon, KiB | descriptors | threads |
        |--:|--:|--:|--:|--:|--:|--:|
        """

    /// A row of the table under `head`.
    var row: String { "| \(hour) | \(events) | \(requests) | \(allocated) | \(anonymous) | \(descriptors) | \(threads) |" }

    private static func number(_ field: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
}

/// What must not have grown when the day is over: the least in its second third beside the least in its last one. The least, because
/// what is kept on purpose is dropped every eight hours, and begins anew; so each third has that once.
struct Growth {
    let samples: [Sample]

    /// - Parameters:
    ///   - what: one of a sample's figures.
    ///   - limit: by how much it may differ.
    /// - Returns: the verdict, as a line.
    func verdict(_ name: String, _ what: (Sample) -> Int, atMost limit: Int, unit: String) -> (holds: Bool, line: String) {
        let third = samples.count / 3
        let early = Self.least(samples[third..<(2 * third)].map(what))
        let late = Self.least(samples.suffix(third).map(what))
        let holds = late - early <= limit
        return (holds, "\(holds ? "holds" : "FAILS")  \(name): \(early) and then \(late)\(unit), at most \(limit) more")
    }

    private static func least(_ numbers: [Int]) -> Int { numbers.min() ?? 0 }
}
