import FoundationEssentials
import Testing

/// A file with the expected output of a test; `make golden` rewrites it for review.
struct GoldenFile {
    let url: URL

    private static let isWriting = ProcessInfo.processInfo.environment["GOLDEN"] == "write"

    /// Compares a text with the file, byte for byte; an empty expectation has no file.
    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = FileManager.default.fileExists(atPath: url.path) ? try Fixtures.text(of: url) : ""
        guard !expected.utf8.elementsEqual(text.utf8) else { return }
        guard !Self.isWriting else { return try write(text) }
        let name = url.path.dropFirst(Fixtures.package.path.count + 1)
        let difference = lineDifference(from: expected, to: text)
        Issue.record("\(name) has other lines; `make golden` writes it anew\n\(difference)", sourceLocation: sourceLocation)
    }

    private func write(_ text: String) throws {
        guard !text.isEmpty else { return try FileManager.default.removeItem(at: url) }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
}
