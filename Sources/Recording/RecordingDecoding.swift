import Common
import FoundationEssentials
import Host
import JSON

/// Reads a recording's JSON, which anyone may have written.
struct RecordingDecoding: ~Copyable {
    /// The path of the JSON, for errors.
    private let location: String
    private let document: JSONValue
    /// The files that were read, since several responses may share one.
    private var files: [String: [UInt8]] = [:]
    private var bytes = 0

    init(_ bytes: [UInt8], at location: String) throws(RecordingError) {
        self.location = location
        do throws(ParseError) {
            document = try JSONParsing.value(of: bytes, limit: RecordingLimits.index)
        } catch {
            throw RecordingError(location, "\(error)")
        }
    }

    init(file path: String) throws(RecordingError) {
        let bytes: [UInt8]
        do throws(KernelError) {
            bytes = try FileDescriptors.contents(of: path, mostBytes: RecordingLimits.index)
        } catch {
            throw RecordingError(path, "cannot be read: \(error.message)")
        }
        try self.init(bytes, at: path)
    }

    // MARK: Folder

    /// The recording of a folder's index.
    consuming func recording(in folder: borrowing ContainedFolder) throws(RecordingError) -> Recording {
        guard case .string(RecordingFolder.format)? = document["format"] else {
            throw error("format", "expected '\(RecordingFolder.format)'")
        }
        guard case .integer(RecordingFolder.version)? = document["version"] else {
            throw error("version", "expected \(RecordingFolder.version): a newer virt-metadata may have written this recording")
        }
        var recording = Recording()
        recording.recorded = document.text("recorded")
        recording.source = document.text("source")
        recording.tool = document.text("tool")
        try readTokens(into: &recording)
        if let absent = document["absent"], absent != .null {
            recording.absent = try response(absent, target: "", at: "absent", in: folder)
        }
        if case .bool(let isRedacted)? = document["redacted"] { recording.isRedacted = isRedacted }
        recording.redactions = redactions()
        recording.omissions = strings("omissions")
        recording.responses = try responses(in: folder)
        return recording
    }

    private func readTokens(into recording: inout Recording) throws(RecordingError) {
        guard let tokens = document["tokens"] else { return }
        guard case .string(let name)? = tokens["policy"], let policy = Recording.TokenPolicy(rawValue: name) else {
            throw error("tokens.policy", "expected none, optional or required")
        }
        recording.tokens = policy
        if case .integer(let status)? = tokens["status"], (0...599).contains(status) { recording.tokenStatus = Int(status) }
    }

    private func redactions() -> [Recording.Redaction] {
        guard case .array(let elements)? = document["redactions"] else { return [] }
        return elements.map { element in
            let count = Int(max(0, min(element.number("count"), 1e9)))
            return Recording.Redaction(target: element.text("target"), what: element.text("what"), count: count)
        }
    }

    private func strings(_ name: String) -> [String] {
        guard case .array(let elements)? = document[name] else { return [] }
        return elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    private mutating func responses(in folder: borrowing ContainedFolder) throws(RecordingError) -> [RecordedResponse] {
        guard case .array(let elements)? = document["responses"] else { throw error("responses", "expected an array") }
        try checkCount(elements.count)
        var (responses, targets): ([RecordedResponse], Set<String>) = ([], [])
        responses.reserveCapacity(elements.count)
        for (number, element) in elements.enumerated() {
            let place = "responses[\(number)]"
            guard case .string(let target)? = element["target"] else { throw error("\(place).target", "expected a string") }
            let response = try response(element, target: target, at: place, in: folder)
            guard targets.insert(target).inserted else { throw error("\(place).target", "'\(shown(target))' is there twice") }
            responses.append(response)
        }
        return responses
    }

    private mutating func response(
        _ value: JSONValue, target: String, at place: String, in folder: borrowing ContainedFolder
    ) throws(RecordingError) -> RecordedResponse {
        var response = try head(value, target: target, at: place)
        if let file = value["file"] {
            guard case .string(let name) = file else { throw error("\(place).file", "expected a string") }
            guard value["body"] == nil, value["body_base64"] == nil else {
                throw error("\(place).file", "the body is there twice: expected one of file, body and body_base64")
            }
            response.body = try contents(of: name, at: "\(place).file", in: folder)
        } else {
            response.body = try inlineBody(value, at: place)
        }
        try count(response.body, at: place)
        return response
    }

    private mutating func contents(
        of name: String, at place: String, in folder: borrowing ContainedFolder
    ) throws(RecordingError) -> [UInt8] {
        if let bytes = files[name] { return bytes }
        guard ContainedFolder.components(of: name) != nil else {
            throw error(place, "'\(shown(name))' is not a path inside the folder")
        }
        do throws(KernelError) {
            let bytes = try folder.read(name, mostBytes: RecordingLimits.body)
            files[name] = bytes
            return bytes
        } catch {
            throw self.error(place, "'\(shown(name))' \(Self.problem(error))")
        }
    }

    private static func problem(_ error: KernelError) -> String {
        switch error.code {
        case .noSuchEntry: "does not exist: restore the file, or remove the response"
        case .symbolicLink: "is a symbolic link, which is not followed"
        case .fileTooBig: "is longer than \(RecordingLimits.body) bytes"
        case .invalidArgument: "is not a regular file"
        case .init(rawValue: RecordingFolder.notDirectory):
            "leads through a symbolic link, which is not followed, or through a file"
        default: "cannot be read: \(error.message)"
        }
    }

    // MARK: One file

    /// The recording of a file that has the responses by their targets.
    consuming func responsesByTarget() throws(RecordingError) -> Recording {
        guard case .object(let members) = document else { throw error("", "expected an object of responses by path") }
        guard document["format"] == nil else {
            throw error("", "is the index of a recording: name its folder instead")
        }
        try checkCount(members.count)
        var recording = Recording()
        for member in members {
            let place = "'\(shown(member.name))'"
            var response = try head(member.value, target: member.name, at: place)
            guard member.value["file"] == nil else {
                throw error("\(place).file", "a file of responses has no other files: write the text as body")
            }
            response.body = try inlineBody(member.value, at: place)
            try count(response.body, at: place)
            recording.responses.append(response)
        }
        return recording
    }

    // MARK: A response

    private func head(_ value: JSONValue, target: String, at place: String) throws(RecordingError) -> RecordedResponse {
        guard case .object = value else { throw error(place, "expected an object") }
        guard target.isEmpty && place == "absent" || Self.isTarget(target) else {
            throw error(
                place,
                "target '\(shown(target))': expected a path of at most \(RecordingLimits.target) printable ASCII characters")
        }
        guard case .integer(let status)? = value["status"], (200...599).contains(status) else {
            throw error("\(place).status", "expected an integer from 200 to 599")
        }
        var response = RecordedResponse(target: target, status: Int(status), reason: value.text("reason"))
        guard RecordedResponse.Field.isValue(response.reason) else { throw error("\(place).reason", "expected one line") }
        if case .array(let fields)? = value["headers"] {
            guard fields.count <= RecordingLimits.fields else {
                throw error("\(place).headers", "\(fields.count) fields: expected at most \(RecordingLimits.fields)")
            }
            for field in fields { response.fields.append(try self.field(field, at: "\(place).headers")) }
        } else if case .string(let type)? = value["content_type"] {
            guard RecordedResponse.Field.isValue(type) else { throw error("\(place).content_type", "expected one line") }
            if !type.isEmpty { response.fields = [.init("Content-Type", type)] }
        }
        return response
    }

    private func field(_ value: JSONValue, at place: String) throws(RecordingError) -> RecordedResponse.Field {
        guard case .array(let pair) = value, pair.count == 2, case .string(let name) = pair[0], case .string(let text) = pair[1]
        else { throw error(place, "expected pairs of a name and a value") }
        guard RecordedResponse.Field(name, text).isOneLine else {
            throw error(place, "'\(shown(name))' is not a header field of one line")
        }
        return .init(name, text)
    }

    private func inlineBody(_ value: JSONValue, at place: String) throws(RecordingError) -> [UInt8] {
        switch (value["body"], value["body_base64"]) {
        case (.string(let text)?, nil): return Array(text.utf8)
        case (nil, .string(let text)?):
            guard let data = Data(base64Encoded: text) else { throw error("\(place).body_base64", "expected base64") }
            return Array(data)
        case (nil, nil): return []
        default: throw error("\(place).body", "expected a string, and not both body and body_base64")
        }
    }

    // MARK: Limits and errors

    private func checkCount(_ count: Int) throws(RecordingError) {
        guard count <= RecordingLimits.responses else {
            throw error("responses", "\(count) responses: expected at most \(RecordingLimits.responses)")
        }
    }

    private mutating func count(_ body: [UInt8], at place: String) throws(RecordingError) {
        bytes += body.count
        guard body.count <= RecordingLimits.body, bytes <= RecordingLimits.bodies else {
            throw error(
                place,
                "too long: expected bodies of at most \(RecordingLimits.body) bytes, and \(RecordingLimits.bodies) together")
        }
    }

    private func error(_ place: String, _ problem: String) -> RecordingError {
        RecordingError(place.isEmpty ? location : "\(location): \(place)", problem)
    }

    private func shown(_ text: String) -> String {
        (text.utf8.count > 100 ? String(text.prefix(80)) + "…" : text).cleaned()
    }

    private static func isTarget(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "/") && text.utf8.count <= RecordingLimits.target
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
