import FoundationEssentials

/// Several documents of user data as one MIME message (RFC 2046), as cloud-init and cloudbase-init read it.
///
/// cloud-init looks for `MIME-Version:` in the first 4,096 bytes, and takes a part of the type `text/plain` for what its first line
/// says. The message depends on its parts alone: the same parts are the same bytes.
package struct MultipartMessage {
    /// A part of a message.
    package struct Part: Sendable, Equatable {
        package let content: [UInt8]
        /// The media type; `nil` for what the first line says.
        package let type: String?

        package init(_ content: [UInt8], type: String? = nil) {
            (self.content, self.type) = (content, type)
        }

        /// The type of the part: that of its author, else that of its beginning, else `text/plain`, or `application/octet-stream` where
        /// it is no text.
        package var mediaType: String {
            type ?? MultipartMessage.mediaType(of: content)
                ?? (String(validating: content, as: UTF8.self) == nil ? "application/octet-stream" : "text/plain")
        }
    }

    /// The most parts; more are rather a mistake, and each has a header of its own.
    package static let mostParts = 100

    /// The message.
    package let bytes: [UInt8]

    package init(_ parts: [Part]) {
        let entities = parts.map(Self.entity)
        let boundary = Self.boundary(absentFrom: entities)
        var message = Array("Content-Type: multipart/mixed; boundary=\"\(boundary)\"\nMIME-Version: 1.0\n".utf8)
        for entity in entities {
            message += Array("\n--\(boundary)\n".utf8)
            message += entity
        }
        bytes = message + Array("\n--\(boundary)--\n".utf8)
    }

    /// Beginnings of documents with their types, as cloud-init has them (`INCLUSION_TYPES_MAP`); a longer one precedes its own
    /// beginning.
    private static let beginnings: [(text: String, type: String)] = [
        ("#cloud-config-archive", "text/cloud-config-archive"), ("#cloud-config-jsonp", "text/cloud-config-jsonp"),
        ("## template: jinja", "text/jinja2"), ("#cloud-boothook", "text/cloud-boothook"),
        ("#include-once", "text/x-include-once-url"), ("#cloud-config", "text/cloud-config"),
        ("#part-handler", "text/part-handler"), ("#include", "text/x-include-url"), ("#!", "text/x-shellscript"),
    ]

    /// The media type of a document by its beginning; `nil` where it names none.
    package static func mediaType(of content: [UInt8]) -> String? {
        if content.starts(with: [0x1F, 0x8B]) { return "application/gzip" }
        if isMessage(content) { return "multipart/mixed" }
        let start = lowercased(content)
        return beginnings.first { start.starts(with: $0.text.utf8) }?.type
    }

    /// Whether a document is a MIME message itself. Such a part is a part with parts.
    package static func isMessage(_ content: [UInt8]) -> Bool {
        let start = lowercased(content)
        return start.starts(with: "mime-version:".utf8) || start.starts(with: "content-type: multipart/".utf8)
    }

    /// The first bytes without blanks before them, in lower case, as cloud-init compares them.
    private static func lowercased(_ content: [UInt8]) -> [UInt8] {
        content.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }.prefix(32).map { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
        }
    }

    // MARK: Parts

    /// The longest line of a part that is written as text (RFC 5322 §2.1.1).
    private static let longestLine = 998

    /// Header and body of a part. ASCII text stays readable; anything else is base64, because cloud-init's parser (Python's) alters
    /// other letters in a part that is not encoded.
    private static func entity(_ part: Part) -> [UInt8] {
        // The header of a message is that of the part.
        if part.type == nil, isMessage(part.content) { return part.content }
        let isPlain = isPlain(part.content)
        let encoding = isPlain ? "7bit" : "base64"
        let type = part.mediaType
        let charset =
            type.hasPrefix("text/") && String(validating: part.content, as: UTF8.self) != nil
            ? "; charset=\"\(isPlain ? "us-ascii" : "utf-8")\"" : ""
        let head = "Content-Type: \(type)\(charset)\nMIME-Version: 1.0\nContent-Transfer-Encoding: \(encoding)\n\n"
        let body =
            isPlain
            ? part.content
            : Array(
                Data(part.content).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]).utf8)
        return Array(head.utf8) + body
    }

    private static func isPlain(_ content: [UInt8]) -> Bool {
        content.allSatisfy { $0 == 0x09 || $0 == 0x0A || (0x20...0x7E).contains($0) }
            && content.split(separator: 0x0A).allSatisfy { $0.count <= longestLine }
    }

    // MARK: Boundary

    /// A boundary that is in no part. It is a hash of the parts (FNV-1a), so that nobody who writes one part hits it by accident; who
    /// writes it on purpose gets another.
    private static func boundary(absentFrom entities: [[UInt8]]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        while true {
            for entity in entities {
                for byte in entity { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
                hash = (hash ^ 0xFF) &* 0x100_0000_01B3
            }
            let digits = String(hash, radix: 16)
            let boundary = "==virt-metadata-" + String(repeating: "0", count: 16 - digits.count) + digits + "=="
            guard entities.contains(where: { contains($0, Array(boundary.utf8)) }) else { return boundary }
        }
    }

    private static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard let first = pattern.first, bytes.count >= pattern.count else { return false }
        return (0...(bytes.count - pattern.count)).contains { start in
            bytes[start] == first && bytes[start..<(start + pattern.count)].elementsEqual(pattern)
        }
    }
}

extension JSONValue {
    /// Vendor data as every cloud-init takes it: a list of texts becomes one message, in the value itself or in its member `cloud-init`.
    ///
    /// cloud-init documents the list; from version 24.4 on, its first stage fails at one.
    package var asVendorData: JSONValue {
        switch self {
        case .array(let items): Self.message(of: items) ?? self
        case .object(let members):
            .object(
                members.map { member in
                    guard member.name == "cloud-init", case .array(let items) = member.value else { return member }
                    return JSONMember(member.name, Self.message(of: items) ?? member.value)
                })
        default: self
        }
    }

    /// `nil` where not every item is a text, and where there are too many.
    private static func message(of items: [JSONValue]) -> JSONValue? {
        let texts = items.compactMap { item in if case .string(let text) = item { text } else { nil } }
        guard texts.count == items.count, texts.count <= MultipartMessage.mostParts, let first = texts.first else { return nil }
        if texts.count == 1 { return .string(first) }
        let message = MultipartMessage(texts.map { MultipartMessage.Part(Array($0.utf8)) })
        return .string(String(decoding: message.bytes, as: UTF8.self))
    }
}
