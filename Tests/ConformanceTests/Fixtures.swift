import FoundationEssentials

/// The files below `fixtures`, and helpers to read them.
enum Fixtures {
    /// The root of the package.
    static let package = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    static let folder = package.appending(path: "fixtures")

    static func bytes(of url: URL) throws -> [UInt8] {
        try Array(Data(contentsOf: url))
    }

    /// The text of a file, byte for byte.
    static func text(of url: URL) throws -> String {
        String(decoding: try bytes(of: url), as: UTF8.self)
    }

    /// The names in a folder, sorted; empty if the folder does not exist.
    static func names(in folder: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }
}
