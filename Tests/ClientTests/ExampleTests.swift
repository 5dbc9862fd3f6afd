import Foundation
import TestSupport
import Testing

/// The examples for authors of agents, each run as its reader runs it, with the emulator of this build.
@Suite struct ExampleTests {
    private static let folder = URL(filePath: Program.fixtures).deletingLastPathComponent().appending(path: "examples").path

    /// Runs a shell's line in a copy of the examples, where compilers may write.
    private static func run(_ line: String, program: String = Program.path) throws -> Command.Output {
        let place = FileManager.default.temporaryDirectory.appending(path: "examples-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(atPath: folder, toPath: place.appending(path: "examples").path)
        let environment = [
            "VIRT_METADATA=\(program)", "GOCACHE=\(place.path)/cache", "GOPATH=\(place.path)/go", "GOFLAGS=-mod=mod",
        ]
        return try Command.run(
            ["env"] + environment + ["sh", "-c", "cd \"$1\" && \(line)", "sh", place.path], limit: .seconds(240))
    }

    private static let lines = [
        "pytest": ("python3 -B -m pytest -q -p no:cacheprovider examples/pytest", "2 passed"),
        "go": ("cd examples/go && go test -v 2>&1", "--- PASS: TestInterruption"),
        "rust": ("cd examples/rust && cargo test --offline 2>&1", "2 passed; 0 failed"),
        "shell": ("sh examples/shell/test.sh", "4 tests passed"),
    ]

    @Test(arguments: lines.keys.sorted()) func `the example's tests pass`(_ language: String) throws {
        let (line, passed) = try #require(Self.lines[language])
        let output = try Self.run(line)
        #expect(output.status == 0 && output.stdout.contains(passed), "\(output)")
    }

    /// An emulator that is none lets each of them fail: they do ask it.
    @Test(arguments: lines.keys.sorted()) func `without an emulator the example's tests fail`(_ language: String) throws {
        let (line, passed) = try #require(Self.lines[language])
        let output = try Self.run(line, program: "/bin/false")
        #expect(output.status != 0 && !output.stdout.contains(passed), "\(output)")
    }

    @Test func `the table names every example and how it is run`() throws {
        let table = try String(contentsOfFile: Self.folder + "/README.md", encoding: .utf8)
        for folder in try FileManager.default.contentsOfDirectory(atPath: Self.folder) where folder != "README.md" {
            #expect(table.contains("[\(folder)](\(folder))"), "\(folder)")
        }
        for (language, (line, _)) in Self.lines where language != "pytest" {
            #expect(
                table.contains(
                    "`\(line.replacing(" 2>&1", with: "").replacing(" -v", with: "").replacing(" --offline", with: ""))`"),
                "\(line)")
        }
    }
}
