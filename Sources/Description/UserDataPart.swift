import Common

/// One `<userdata>` of an instance, or of what is told to many.
struct UserDataPart: Sendable {
    let content: [UInt8]
    /// The media type that the operator wrote; `nil` for what the first line says.
    var type: String?
    /// The line of the element, in the domain's XML or in the file.
    var line: Int
    /// The configuration file, for a part that is told to many.
    var file: String?

    /// Media types that may be written: two tokens (RFC 2045 §5.1), short enough for a header line.
    static func isMediaType(_ text: String) -> Bool {
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        let signs = Set("!#$&^_.+-".utf8)
        return text.utf8.count <= 127 && names.count == 2
            && names.allSatisfy { name in
                !name.isEmpty
                    && name.utf8.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || signs.contains(byte)
                    }
            }
    }

    var finding: (Finding.Weight, String) -> Finding {
        { [line, file] weight, problem in Finding(weight, line: line, element: "userdata", problem, file: file) }
    }

    /// The warning that the part is served in vain.
    func ignored(because problem: String) -> Finding {
        Finding(.note, line: line, element: "userdata", problem, file: file, isWarning: true)
    }
}

/// The user data of several parts.
enum UserDataParts {
    static let most = MultipartMessage.mostParts
    /// The most bytes of all parts together: the limit of a file that becomes user data, too.
    static let mostBytes = 1 << 20
    /// What EC2 takes, in bytes; agents that are made for it may not take more.
    static let bytesOfEC2 = 16 << 10

    /// One part as it is, and several as one message; the parts beyond the limits are left out.
    static func combined(_ parts: [UserDataPart], _ findings: inout [Finding]) -> [UInt8]? {
        guard parts.count > 1 else { return parts.first.map { alone($0, &findings) } }
        var used: [UserDataPart] = []
        var count = 0
        for part in parts {
            if used.count == most {
                findings.append(part.finding(.unusable, "more than \(most) parts of user data; the first \(most) are used"))
                break
            }
            guard count + part.content.count <= mostBytes else {
                let problem =
                    "the parts of the user data exceed \(mostBytes) bytes (1 MiB) together; this part of \(part.content.count) "
                    + "bytes is left out"
                findings.append(part.finding(.unusable, problem))
                continue
            }
            count += part.content.count
            used.append(part)
        }
        guard used.count > 1 else { return used.first.map { alone($0, &findings) } }
        for part in used { review(part, &findings) }
        let message = MultipartMessage(used.map { MultipartMessage.Part($0.content, type: $0.type) }).bytes
        if message.count > bytesOfEC2, let last = used.last {
            let problem =
                "\(used.count) parts of user data are \(message.count) bytes together; EC2 takes \(bytesOfEC2), and some agents no "
                + "more than that"
            findings.append(last.finding(.note, problem))
        }
        return message
    }

    private static func alone(_ part: UserDataPart, _ findings: inout [Finding]) -> [UInt8] {
        if let type = part.type, type != MultipartMessage.mediaType(of: part.content) {
            let problem = "the type \(shown(type)) is not served: user data of one part is served as it is"
            findings.append(part.finding(.note, problem))
        }
        return part.content
    }

    private static func review(_ part: UserDataPart, _ findings: inout [Finding]) {
        guard part.type == nil, MultipartMessage.mediaType(of: part.content) == nil else { return }
        if part.content.first(where: { $0 != 0x20 && !(0x09...0x0D).contains($0) }) == UInt8(ascii: "{") {
            let problem = "a part in JSON, such as Ignition's, is not read from a message of several parts"
            return findings.append(part.finding(.note, problem))
        }
        let problem =
            "guests ignore this part: its first line names no type; begin it with #cloud-config or #!, or add the attribute type"
        findings.append(part.ignored(because: problem))
    }
}
