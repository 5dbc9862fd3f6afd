import Foundation
import TestSupport
import Testing

/// `virt-metadata cleanup` where no server runs.
struct CleanupTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "cleanup-\(UUID().uuidString.prefix(8))")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    @Test(arguments: ["cleanup", "release"])
    func `nothing to remove is success, by today's name and the earlier one`(command: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = try await Program.run(command, "--run-directory", folder.path)
        #expect(output.status == 0)
        #expect(output.stderr == "all virt-metadata addresses and rules removed\n")
    }

    @Test func `what a damaged record listed is removed by hand, in every family that a version has used`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("{".utf8).write(to: folder.appending(path: "owned.json"))
        let output = try await Program.run("cleanup", "--run-directory", folder.path)
        #expect(output.status == 1)
        for family in ["bridge", "inet", "netdev"] {
            #expect(output.stderr.contains("nft delete table \(family) virt_metadata; "), "\(output.stderr)")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to become another user"))
    func `a user who may not write to the run directory is told to run it as root`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let copy = folder.appending(path: "virt-metadata").path
        try Command.succeed(["install", "-m", "755", Program.path, copy])
        try Command.succeed(["chmod", "755", folder.path])
        let user = ["setpriv", "--reuid", "65534", "--clear-groups"]
        let output = try Command.run(user + [copy, "cleanup", "--run-directory", folder.path])
        #expect(output.status == 1)
        #expect(output.stderr == "virt-metadata: \(folder.path)/lock: permission denied: run as root\n")
        // The same of the admin socket, in a directory that this user may not enter.
        try FileManager.default.createDirectory(at: folder.appending(path: "run"), withIntermediateDirectories: true)
        try Command.succeed(["chmod", "700", folder.path + "/run"])
        let socket = folder.path + "/run/admin.sock"
        let denied = try Command.run(user + [copy, "requests", "web", "--admin-socket", socket])
        #expect(denied.status == 2)
        #expect(denied.stderr == "virt-metadata: permission denied: \(socket); run as root\n")
    }
}
