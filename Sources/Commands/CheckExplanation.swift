import Common
import Description

/// The values of a checked domain with their sources, as `check --explain` prints them.
struct CheckExplanation {
    let values: [ExplainedValue]

    /// Longer values are cut in the table; the documents for programs have them whole.
    private static let mostLetters = 60

    func table(on terminal: Terminal) -> String {
        let rows = values.map { value in
            let text = value.text.cleaned()
            return [value.path, text.count > Self.mostLetters ? text.prefix(Self.mostLetters) + "…" : text, "\(value.origin)"]
        }
        return TextTable(["VALUE", "CONTENT", "SOURCE"], rows).text(on: terminal)
    }

    var json: JSONValue {
        .array(
            values.map { value in
                .object([
                    JSONMember("path", .string(value.path)), JSONMember("value", .string(value.text)),
                    JSONMember("source", .string(value.origin.kind)),
                    JSONMember("detail", value.origin.detail.map(JSONValue.string) ?? .null),
                    JSONMember("file", value.origin.file.map(JSONValue.string) ?? .null),
                    JSONMember("line", value.origin.line.map { .integer(Int64($0)) } ?? .null),
                ])
            })
    }
}
