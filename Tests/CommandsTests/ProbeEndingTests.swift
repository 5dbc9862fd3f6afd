import Foundation
import TestSupport
import Testing

/// How `crawl`, `compare` and `conformance` end before they are done.
@Suite(.serialized) struct ProbeEndingTests {
    private static let rich = "\(Program.fixtures)/instances/rich"

    @Test func `SIGTERM while a recording is written leaves nothing behind`() async throws {
        let server = try await RunningEmulator(Self.rich)
        let target = server.folder.appending(path: "target")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: false)
        func entries() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: target.path) }
        var ended: Int32?
        for _ in 0..<6 where ended != 143 {
            try? FileManager.default.removeItem(at: target.appending(path: "web"))
            let log = server.folder.appending(path: "log")
            try Data().write(to: log)
            let crawl = try RunningProgram(
                RunningProgram.unblocked + [Program.path, "crawl", server.url, "-o", target.path + "/web"],
                output: FileHandle(forWritingTo: log))
            // The folder has another name until it is whole.
            while crawl.isRunning, try entries().isEmpty { usleep(200) }
            ended = crawl.end(within: .seconds(20))
            if ended == 143 {
                #expect(try String(contentsOf: log, encoding: .utf8).hasSuffix("/web: not written: ended by a signal\n"))
                #expect(try entries() == [])
            } else {
                #expect(try entries() == ["web"], "status \(ended ?? -1)")
            }
        }
        #expect(ended == 143, "the signal never came while the folder was written")
    }

    @Test func `compare ends after three requests without a response, and compares what was read`() async throws {
        let server = try await RunningEmulator(Self.rich)
        let folder = server.path("rec")
        let crawl = try await Program.run("crawl", server.url, "-o", folder, "--latest-only", limit: .seconds(60))
        #expect(crawl.status == 0, "\(crawl.stderr)")
        let faults = server.path("faults.yaml")
        try Data("faults:\n- when: {after: 30}\n  do: {drop: true}\n".utf8).write(to: URL(filePath: faults))
        let hanging = try await RunningEmulator("--scenario", faults, Self.rich)
        let start = ContinuousClock.now
        let output = try await Program.run(
            "compare", hanging.url, folder, "--latest-only", "--timeout", "2", limit: .seconds(60))
        #expect(start.duration(to: .now) < .seconds(12))
        #expect(output.status == 2)
        let lines = output.stderr.split(separator: "\n")
        #expect(lines.count(where: { $0.contains(": not compared: /latest/") && $0.contains(": timeout: ") }) == 3, "\(lines)")
        #expect(lines.last?.hasSuffix("stopped after 3 requests in a row without a response") == true, "\(lines)")
        #expect(output.stdout.firstMatch(of: /\d+ differences in \d+ paths; \d+ paths not compared\n/) != nil)
        #expect(!output.stdout.contains("status: 404 → 200"), "\(output.stdout)")
    }

    @Test func `a crawl ends within its time limit`() async throws {
        let faults = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
        try Data("faults:\n- do: {delay: 100ms}\n".utf8).write(to: faults)
        defer { try? FileManager.default.removeItem(at: faults) }
        let server = try await RunningEmulator("--scenario", faults.path, Self.rich)
        let start = ContinuousClock.now
        let output = try await Program.run(
            "crawl", server.url, "-o", server.path("web"), "--time-limit", "4", limit: .seconds(60))
        let time = start.duration(to: .now)
        #expect(time < .seconds(8), "\(time)")
        #expect(output.status == 1)
        let last = output.stderr.split(separator: "\n").last
        #expect(last == "virt-metadata: not recorded: stopped when 1 s of 4 s were left, to examine and write what was read")
    }

    @Test func `a folder in place of a URL is to be served first`() async throws {
        for arguments in [["conformance", Self.rich], ["crawl", Self.rich, "-o", "/nonexistent/web"]] {
            let output = try await Program.run(more: arguments)
            #expect(output.status == 2)
            #expect(
                output.stderr
                    == "virt-metadata: '\(Self.rich)': a file or folder, not a URL: run `virt-metadata emulate \(Self.rich) --print-url`, and use the URL that it prints\n"
            )
        }
    }

    @Test func `a redacted recording that is served is said to be one`() async throws {
        let original = try await RunningEmulator()
        let folder = original.path("rec")
        let crawl = try await Program.run("crawl", original.url, "-o", folder, "--latest-only", limit: .seconds(60))
        #expect(crawl.status == 0, "\(crawl.stderr)")
        let served = try await RunningEmulator(folder)
        let output = try await Program.run("compare", original.url, served.url, "--latest-only", limit: .seconds(60))
        #expect(output.status == 1)
        #expect(
            output.stderr
                == "virt-metadata: \(served.url) seems to serve a redacted recording, which HTTP does not say: compare the folder of that recording instead\n"
        )
        let compared = try await Program.run("compare", original.url, folder, "--latest-only", limit: .seconds(60))
        #expect(compared.status == 0 && compared.stderr == "", "\(compared.stdout)\(compared.stderr)")
    }
}
