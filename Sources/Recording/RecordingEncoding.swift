import Common
import FoundationEssentials
import JSON

/// The files of a recording's folder.
struct RecordingEncoding {
    /// The bodies, by names that are safe and say which path they are for.
    private(set) var files: [(name: String, bytes: [UInt8])] = []
    /// `recording.json`, a line for each response.
    private(set) var index: [UInt8] = []

    private var numbers: [String: Int] = [:]

    init(_ recording: Recording) {
        let directories = Self.directories(of: recording.responses)
        var lines: [String] = []
        for response in recording.responses {
            let isFile = response.status == 200 && !response.body.isEmpty
            let body =
                isFile
                ? JSONMember("file", .string(file(for: response, directories)))
                : Self.body(response.body)
            lines.append("    " + JSONEncoding.text(.object(Self.members(of: response) + [body])))
        }
        index = Array(Self.text(recording, lines).utf8)
    }

    // MARK: Index

    private static func text(_ recording: Recording, _ lines: [String]) -> String {
        let absent =
            recording.absent.map { JSONValue.object(Array(Self.members(of: $0).dropFirst()) + [Self.body($0.body)]) } ?? .null
        let redactions = recording.redactions.map { redaction in
            JSONValue.object([
                JSONMember("target", .string(redaction.target)), JSONMember("what", .string(redaction.what)),
                JSONMember("count", .integer(Int64(redaction.count))),
            ])
        }
        let head: [JSONMember] = [
            JSONMember("format", .string(RecordingFolder.format)), JSONMember("version", .integer(RecordingFolder.version)),
            JSONMember("recorded", .string(recording.recorded)), JSONMember("source", .string(recording.source)),
            JSONMember("tool", .string(recording.tool)),
            JSONMember(
                "tokens",
                .object([
                    JSONMember("policy", .string(recording.tokens.rawValue)),
                    JSONMember("status", .integer(Int64(recording.tokenStatus))),
                ])),
            JSONMember("absent", absent), JSONMember("redacted", .bool(recording.isRedacted)),
            JSONMember("redactions", .array(redactions)),
            JSONMember("omissions", .array(recording.omissions.map { .string($0) })),
        ]
        let lead = head.map { "  \(JSONEncoding.text(.string($0.name))): \(JSONEncoding.text($0.value)),\n" }.joined()
        return "{\n\(lead)  \"responses\": [\n\(lines.joined(separator: ",\n"))\n  ]\n}\n"
    }

    private static func members(of response: RecordedResponse) -> [JSONMember] {
        [
            JSONMember("target", .string(response.target)), JSONMember("status", .integer(Int64(response.status))),
            JSONMember("reason", .string(response.reason)),
            JSONMember("headers", .array(response.fields.map { .array([.string($0.name), .string($0.value)]) })),
        ]
    }

    /// A body as text if it is text; JSON parsers refuse U+0000.
    private static func body(_ bytes: [UInt8]) -> JSONMember {
        if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) { return JSONMember("body", .string(text)) }
        return JSONMember("body_base64", .string(Data(bytes).base64EncodedString()))
    }

    // MARK: Files

    /// The paths, without a final slash, that other targets are below: their own bodies need another name.
    private static func directories(of responses: [RecordedResponse]) -> Set<String> {
        var directories: Set<String> = []
        for response in responses {
            var path = response.target.utf8[...]
            while let slash = path.lastIndex(of: UInt8(ascii: "/")) {
                path = path[..<slash]
                guard directories.insert(String(decoding: path, as: UTF8.self)).inserted else { break }
            }
        }
        return directories
    }

    /// The file of a response, which it shares with the same path of another version if both have the same bytes.
    private mutating func file(for response: RecordedResponse, _ directories: Set<String>) -> String {
        var target = response.target
        while target.utf8.last == UInt8(ascii: "/") { target.removeLast() }
        let isDirectory = target != response.target || directories.contains(target)
        let steps = target.utf8.split(separator: UInt8(ascii: "/")).map { Self.safe(String(decoding: $0, as: UTF8.self)) }
        let names = steps + (isDirectory ? ["@listing"] : [])
        var name = "tree/" + names.joined(separator: "/")
        if names.count > 24 || name.utf8.count > 1024 || names.contains(where: { $0.utf8.count > 200 }) {
            name = "tree/@long"
        }
        // The version is the first name of a path, and the second below `openstack`.
        let place = Self.place(of: names)
        if let number = numbers[place + "\u{0}" + key(response.body)] { return files[number].name }
        var (unique, count) = (name, 1)
        while numbers["/" + unique] != nil {
            count += 1
            unique = "\(name)@\(count)"
        }
        numbers["/" + unique] = files.count
        numbers[place + "\u{0}" + key(response.body)] = files.count
        files.append((unique, response.body))
        return unique
    }

    private func key(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self).map { "t" + $0 } ?? "b" + Data(bytes).base64EncodedString()
    }

    private static func place(of names: [String]) -> String {
        let isVersioned = names.first.map { $0 == "latest" || $0.first?.isNumber == true } ?? false
        if isVersioned { return "ec2/" + names.dropFirst().joined(separator: "/") }
        if names.first == "openstack", names.count > 1 { return "openstack/" + names.dropFirst(2).joined(separator: "/") }
        return "/" + names.joined(separator: "/")
    }

    /// A component that is a plain file name: all but letters, digits and `-_~=:+,.` is encoded, and so are the names `.` and `..`.
    private static func safe(_ component: String) -> String {
        if component.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) {
            return component.utf8.map { _ in "%2E" }.joined()
        }
        return component.utf8.map { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(octet))
            default:
                "-_~=:+,.".utf8.contains(octet)
                    ? String(UnicodeScalar(octet)) : "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
