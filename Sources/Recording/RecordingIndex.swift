import Common

/// Finds the response to a request in a recording.
///
/// A recorded target answers as it was recorded. Servers of metadata ignore a final slash, and a walk asks for one of the two forms only: so
/// a target that was not recorded answers as the same path with or without the final slash, with empty names, dots, escapes and query
/// resolved (`TreePath`). Anything else is absent.
package struct RecordingIndex: Sendable {
    package let recording: Recording
    private let byTarget: [String: Int]
    private let byPath: [TreePathKey: Int]

    /// A path that was recorded, without its final slash.
    private struct TreePathKey: Hashable {
        let text: String

        init?(_ target: String) {
            guard let path = TreePath(target: target) else { return nil }
            // Names may have any character but a slash, so the joined text is unique.
            text = path.description
        }
    }

    package init(_ recording: Recording) {
        self.recording = recording
        var byTarget: [String: Int] = [:]
        var byPath: [TreePathKey: Int] = [:]
        for (number, response) in recording.responses.enumerated() {
            byTarget[response.target] = number
            guard !response.target.utf8.contains(UInt8(ascii: "?")), let key = TreePathKey(response.target) else { continue }
            // Of two forms, one that was found wins over one that was not.
            if let other = byPath[key], recording.responses[other].status == 200 { continue }
            byPath[key] = number
        }
        (self.byTarget, self.byPath) = (byTarget, byPath)
    }

    /// The response to a GET request; `nil` for a target that was not recorded.
    package func response(to target: String) -> RecordedResponse? {
        if let number = byTarget[target] { return recording.responses[number] }
        guard let key = TreePathKey(target), let number = byPath[key] else { return nil }
        return recording.responses[number]
    }

    /// The response to a target that was not recorded: as the server answered an unknown path, or else a plain 404.
    package var absent: RecordedResponse {
        recording.absent
            ?? RecordedResponse(
                target: "", status: 404, reason: "Not Found", fields: [.init("Content-Type", "text/plain; charset=UTF-8")],
                body: Array("404 Not Found\n".utf8))
    }
}
