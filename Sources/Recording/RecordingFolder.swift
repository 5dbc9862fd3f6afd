import Common
import Host
import JSON

/// The folder of a recording.
///
/// `recording.json` is the index:
///
///     {"format": "virt-metadata recording", "version": 1, "recorded": "…", "source": "http://…", "tool": "…",
///      "tokens": {"policy": "optional", "status": 200}, "absent": {"status": 404, …}, "redacted": true,
///      "redactions": [{"target": "…", "what": "…", "count": 1}], "omissions": ["…"],
///      "responses": [{"target": "/latest/", "status": 200, "reason": "OK", "headers": [["Name", "value"]], "file": "tree/latest/@listing"}]}
///
/// A response has its body in a `file` of the folder, in the text `body`, or in `body_base64`. Responses may share a file: so one edit
/// changes a value in all versions. Files that the index does not name are not read, and unknown members are ignored.
///
/// Also one file is a recording: `{"/latest/": {"status": 200, "content_type": "text/plain", "body": "…"}}`.
package enum RecordingFolder {
    static let indexName = "recording.json"
    static let format = "virt-metadata recording"
    static let version: Int64 = 1

    /// Whether a folder has an index.
    package static func isRecording(_ path: String) -> Bool {
        guard let folder = try? ContainedFolder(path: path) else { return false }
        return (try? folder.read(indexName, mostBytes: RecordingLimits.index)) != nil
    }

    /// Reads a folder, or a file of responses.
    /// - Throws: `RecordingError` with the file and member; nothing outside the folder is ever read.
    package static func read(_ path: String) throws(RecordingError) -> Recording {
        let folder: ContainedFolder
        do throws(KernelError) {
            folder = try ContainedFolder(path: path)
        } catch {
            guard error.code.rawValue == notDirectory else { throw RecordingError(path, "cannot be read: \(error.message)") }
            return try RecordingDecoding(file: path).responsesByTarget()
        }
        let index = path + (path.utf8.last == UInt8(ascii: "/") ? "" : "/") + indexName
        let bytes: [UInt8]
        do throws(KernelError) {
            bytes = try folder.read(indexName, mostBytes: RecordingLimits.index)
        } catch {
            switch error.code {
            case .noSuchEntry:
                throw RecordingError(index, "does not exist: expected a folder that `virt-metadata crawl` has written")
            case .fileTooBig: throw RecordingError(index, "is longer than \(RecordingLimits.index) bytes")
            case .invalidArgument: throw RecordingError(index, "is not a regular file")
            case .symbolicLink: throw RecordingError(index, "is a symbolic link, which is not followed")
            default: throw RecordingError(index, "cannot be read: \(error.message)")
            }
        }
        return try RecordingDecoding(bytes, at: index).recording(in: folder)
    }

    /// ENOTDIR.
    static let notDirectory: Int32 = 20

    /// Writes a new folder, which appears all at once, for its owner alone.
    /// - Parameters:
    ///   - replacing: whether an existing recording at the path is replaced; a folder that is none never is.
    ///   - isCancelled: asked before each file; after `true` nothing of the new folder is left.
    /// - Throws: `RecordingError`; the path is then unchanged.
    package static func write(
        _ recording: Recording, to path: String, replacing: Bool = false, isCancelled: () -> Bool = { false }
    ) throws(RecordingError) {
        let mayReplace = replacing && isRecording(path)
        do throws(KernelError) {
            // The slowest part comes before there is anything to remove.
            let encoding = RecordingEncoding(recording)
            var folder = try NewFolder(for: path)
            for (name, bytes) in encoding.files {
                if isCancelled() { throw KernelError(.interrupted, in: "openat") }
                try folder.write(bytes, at: name)
            }
            try folder.write(encoding.index, at: indexName)
            try folder.publish(replacing: mayReplace)
        } catch {
            if error.code == .interrupted { throw RecordingError(path, "not written: ended by a signal") }
            guard error.code == .alreadyThere else { throw RecordingError(path, "cannot be written: \(error)") }
            throw RecordingError(
                path,
                replacing
                    ? "exists and is not a recording: choose another folder" : "exists: choose another folder, or use --replace")
        }
    }
}
