import Foundation
import TestSupport

/// What the scripts of `Tests/clients` install, and the drivers beside them.
enum Clients {
    /// The folder with `Package.swift`.
    private static let package = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    /// A driver of `Tests/clients`.
    static func driver(_ name: String) -> String { package.appending(path: "Tests/clients/\(name)").path }

    /// A file or folder that a script has put below `.build/clients`.
    static func installed(_ path: String) -> String { package.appending(path: ".build/clients/\(path)").path }

    /// Whether it is there.
    static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: installed(path)) }

    /// Runs a client in a guest, without this machine's environment, and returns its output.
    /// - Throws: `Command.Failure` where it fails.
    static func run(
        _ command: [String], in guest: NetworkNamespace, environment: [String] = [], input: String = ""
    ) throws -> String {
        let emptied = ["env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"]
        return try Command.succeed(emptied + environment + command, in: guest.name, input: input, limit: .seconds(90))
    }
}
