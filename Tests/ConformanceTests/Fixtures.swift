import FoundationEssentials

/// The files that tests read and compare with.
enum Fixtures {
    /// The root of the package.
    static let package = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    /// The folder of this name at the root.
    static let folder = package.appending(path: "fixtures")

    /// The bytes of a file.
    static func bytes(of url: URL) throws -> [UInt8] {
        try Array(Data(contentsOf: url))
    }

    /// The text of a file, byte for byte.
    static func text(of url: URL) throws -> String {
        String(decoding: try bytes(of: url), as: UTF8.self)
    }

    /// The names in a folder, in the order of the alphabet; none if there is no such folder.
    static func names(in folder: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }
}
