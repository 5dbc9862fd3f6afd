import Common
import JSON
import TestSupport
import Testing

/// The documents as cloud-init and others read them: by PyYAML's own parser and by libyaml's.
struct YAMLReadersTests {
    /// A document for each line of the input, read by both and written as JSON, one on a line.
    private static func read(_ documents: [String]) throws -> [String] {
        let script = """
            import json, sys, yaml
            for document in json.load(sys.stdin):
                for loader in yaml.SafeLoader, yaml.CSafeLoader:
                    try: print(json.dumps(yaml.load(document, loader)))
                    except Exception as error: print(type(error).__name__, str(error).replace(chr(10), " "))
            """
        let input = JSONEncoding.text(.array(documents.map(JSONValue.string)))
        return try Command.succeed(["/usr/bin/python3", "-c", script], input: input)
            .split(separator: "\n").map(String.init)
    }

    /// Texts of every kind of character, and lengths around YAML's limit of names.
    private static var texts: [String] {
        var generator = Dice(seed: 7)
        let ranges: [ClosedRange<UInt32>] = [
            1...0x1F, 0x20...0x7E, 0x7F...0xA0, 0xA1...0x2FFF, 0x2028...0x2029, 0xE000...0xFFFD, 0x10000...0x10FFFF,
        ]
        let random = (0..<400).map { number in
            let length =
                number % 20 == 0 ? Int.random(in: 160...1100, using: &generator) : Int.random(in: 1...30, using: &generator)
            let scalars = (0..<length).compactMap { _ in
                UnicodeScalar(UInt32.random(in: ranges.randomElement(using: &generator) ?? 1...1, using: &generator))
            }
            return String(String.UnicodeScalarView(scalars))
        }
        return random + [
            "yes", "no", "0o17", "1e3", "null", "~", "2026-01-01", "@a", "%a", "a: b", "- a", "# a", "\u{FEFF}a", "\\uD83D",
        ]
    }

    @Test func `every text, name and number is read as it was meant`() throws {
        let values = Self.texts.map { text in
            JSONValue.object([
                JSONMember("a" + text, .string(text)), JSONMember("b", .array([.object([JSONMember(text, .null)])])),
            ])
        }
        let numbers: [JSONValue] =
            [1e16, 1e-7, 1.5e300, -2.5e-300, 0.1, -0.0, 1].map(JSONValue.real) + [.integer(.min), .integer(.max)]
        let all = values + [.array(numbers)]
        let read = try Self.read(all.map(JSONEncoding.yamlText))
        try #require(read.count == 2 * all.count)
        for (value, lines) in zip(all, stride(from: 0, to: read.count, by: 2).map { read[$0...$0 + 1] }) {
            for line in lines {
                let found = try? JSONParsing.value(of: Array(line.utf8))
                #expect(found == value, "\(line)")
            }
        }
    }
}
