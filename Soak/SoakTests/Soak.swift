import Dispatch
import Foundation
import NIOCore
import TestSupport

@testable import Configuration
@testable import Guests
@testable import Identity
@testable import Server
@testable import VendorData

/// A server in this process whose clock goes faster, a libvirtd, and the process that plays their day.
struct Soak {
    /// How much faster than in earnest the day goes: 24 hours in ten minutes.
    static let rate = 144

    enum Failure: Error {
        /// The server does not listen.
        case notListening
        /// The process that plays the day said something that is not understood, or ended.
        case unexpected(String)
    }

    private let journal: Journal
    private let libvirtd: PrivateLibvirtd
    private let neighbours: String
    private let guests: RunningProgram
    private let input = Pipe()
    private let output = Pipe()
    private var samples: [Sample] = []

    init(minutes: String, seed: String, journal: Journal) throws {
        self.journal = journal
        libvirtd = try PrivateLibvirtd()
        neighbours = try libvirtd.file("neighbours", "")
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "guests/day.py")
        // Debian's own Python, which has libvirt's module.
        guests = try RunningProgram(
            [
                "/usr/bin/python3", script.path, "--connect", libvirtd.uri, "--neighbours", neighbours, "--minutes", minutes,
                "--seed", seed,
            ], input: input, output: output.fileHandleForWriting)
        try output.fileHandleForWriting.close()
    }

    /// Does what the other process asks for until it has ended; whether all that is promised held.
    mutating func run() throws -> Bool {
        while let line = nextLine() {
            guard line.hasPrefix("? ") else {
                say(line)
                continue
            }
            let answer = try answer(line.split(separator: " ").dropFirst().map(String.init))
            input.fileHandleForWriting.write(Data("\(answer)\n".utf8))
        }
        return judge()
    }

    private mutating func answer(_ question: [String]) throws -> String {
        switch question.first {
        case "serve": return try serve(target: question.last ?? "")
        case "stop": try libvirtd.kill(SIGKILL)
        case "start": try libvirtd.restart()
        case "sample": sample(question)
        default: throw Failure.unexpected(question.joined(separator: " "))
        }
        return "done"
    }

    // MARK: The server

    /// Starts the server, which ends with this process; the port that it listens on.
    private func serve(target: String) throws -> String {
        let configuration = try configuration(target: target)
        Task { try await Wiring(configuration, clock: PacedClock(rate: Self.rate)).run() }
        for _ in 0..<200 {
            if let port = journal.address?.split(separator: ":").last { return String(port) }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw Failure.notListening
    }

    /// The usual one, with the times divided that connections go by, which count NIO's ticks.
    private func configuration(target: String) throws -> Configuration {
        var configuration = Configuration()
        configuration.connect = [libvirtd.uri]
        configuration.user = "root"
        configuration.listen = [try SocketAddress(ipAddress: "127.0.0.1", port: 0)]
        configuration.neighbours = neighbours
        configuration.allowsPasswords = true
        configuration.vendorDataTargets = VendorDataTarget("soak@\(target)").map { [$0] } ?? []
        configuration.secrets.directory = libvirtd.directory + "/state"
        configuration.limits.requestTimeout /= Self.rate
        configuration.limits.idleTimeout /= Self.rate
        configuration.limits.holdTimeout /= Self.rate
        return configuration
    }

    // MARK: What is looked at

    private mutating func sample(_ question: [String]) {
        // Connections that guests have closed are closed here too by then.
        Thread.sleep(forTimeInterval: 0.3)
        if samples.isEmpty { say(Sample.head) }
        samples.append(Sample(hour: question[1], events: Int(question[2]) ?? 0, requests: Int(question[3]) ?? 0))
        if let sample = samples.last { say(sample.row) }
    }

    private func judge() -> Bool {
        let growth = Growth(samples: samples)
        let verdicts: [(holds: Bool, line: String)] = [
            growth.verdict("allocated", \.allocated, atMost: 1024, unit: " KiB"),
            growth.verdict("RssAnon", \.anonymous, atMost: 1024, unit: " KiB"),
            growth.verdict("descriptors", \.descriptors, atMost: 2, unit: ""),
            growth.verdict("threads", \.threads, atMost: 2, unit: ""),
            (journal.errors == 0, "\(journal.errors == 0 ? "holds" : "FAILS")  \(journal.errors) errors in the log"),
        ]
        say("the log:")
        for line in journal.lines { say("  " + line) }
        for verdict in verdicts { say(verdict.line) }
        let status = guests.end()
        return status == 0 && !samples.isEmpty && verdicts.allSatisfy(\.holds)
    }

    /// The next line of the other process; `nil` once it has ended.
    private func nextLine() -> String? {
        var line = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte == Data("\n".utf8) { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
        return nil
    }

    /// Writes a line at once, for whoever looks on.
    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
