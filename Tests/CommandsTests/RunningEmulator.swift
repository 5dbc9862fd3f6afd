import Foundation
import TestSupport

/// A running emulator, and the folder with its files.
final class RunningEmulator: Sendable {
    /// What `--ready-file` has.
    struct Ready: Decodable {
        struct Instance: Decodable {
            let name: String
            let url: String
            let clients: [String]?
        }

        let url: String
        let instances: [Instance]
        let pid: Int32

        var port: Int { Int(url.split(separator: ":").last ?? "") ?? 0 }
    }

    let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
    private let process: RunningProgram
    let ready: Ready

    /// - Parameter arguments: of `emulate`; `FOLDER` is the folder.
    init(_ arguments: String..., more: [String] = []) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (file, output) = (folder.appending(path: "ready.json"), folder.appending(path: "output"))
        try Data().write(to: output)
        process = try RunningProgram(
            RunningProgram.unblocked + [Program.path, "emulate", "--ready-file", file.path]
                + (arguments + more).map { [folder] in
                    $0.replacing("FOLDER", with: folder.path)
                }, output: FileHandle(forWritingTo: output))
        guard try await eventually(within: .seconds(60), { FileManager.default.fileExists(atPath: file.path) }) else {
            throw ServerProcess.Failure(description: (try? String(contentsOf: output, encoding: .utf8)) ?? "")
        }
        ready = try JSONDecoder().decode(Ready.self, from: Data(contentsOf: file))
        // It prints after that.
        guard Set(arguments + more).isDisjoint(with: ["-q", "--quiet", "--"]) else { return }
        _ = try await eventually(within: .seconds(10)) { self.output.contains(ready.url) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var output: String { (try? String(contentsOf: folder.appending(path: "output"), encoding: .utf8)) ?? "" }
    var identifier: Int32 { process.identifier }
    var isRunning: Bool { process.isRunning }
    var url: String { ready.url }

    /// A path in its folder.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    func client() throws -> PlainClient { try PlainClient(to: ready.port) }

    func text(of file: String) throws -> String { try String(contentsOf: folder.appending(path: file), encoding: .utf8) }

    func end() -> Int32? { process.end() }
}
