import Testing

@testable import YAML

struct YAMLScalarTypeTests {
    private func type(_ text: String) throws -> YAMLScalarType? {
        let root = try YAMLDocument.root(of: Array("a: \(text)\n".utf8))
        guard case .mapping(let entries)? = root?.content else { return nil }
        return entries.first?.value.scalarType
    }

    private static let scalars: [(String, YAMLScalarType)] = [
        ("", .null), ("~", .null), ("NULL", .null), ("nULL", .text), ("true", .boolean(true)),
        ("Yes", .boolean(true)), ("ON", .boolean(true)), ("off", .boolean(false)), ("y", .text), ("tRUE", .text),
        ("0", .integer(0)), ("-12", .integer(-12)), ("+1_000", .integer(1000)), ("0x1F", .integer(31)), ("0b101", .integer(5)),
        ("0755", .integer(493)), ("089", .text), ("99999999999999999999", .integer(nil)), ("52:54:00:12:34:56", .integer(nil)),
        ("1:30", .integer(nil)), ("1:60", .text), ("02:00:00:00:00:01", .text), ("52:54:00:ab:34:56", .text),
        ("52:54:00:99:00:01", .text), ("1.5", .real), ("-.5", .text), (".5", .real), ("._5", .text), ("-.inf", .real),
        ("-.nan", .text), (".inf", .real), ("1.5e+3", .real), ("1e3", .text),
        ("1:30.5", .real), ("2026-11-30", .timestamp), ("2026-11-30T10:00:00Z", .timestamp), ("2026-11", .text),
        ("2026-1-3 9:00:00.5 +2", .timestamp), ("2026-1-3", .text), ("2026-11-30T10:00", .text),
        ("192.0.2.10/24", .text), ("192.0.2.10", .text), ("2001:db8::1/64", .text), ("::/0", .text), ("802.3ad", .text),
        ("-", .text), (".", .text), ("layer3+4", .text), ("100ms", .text), ("'12'", .text), ("\"yes\"", .text),
        ("!!str 12", .text),
    ]

    @Test(arguments: scalars)
    func `a scalar has the type that PyYAML's safe loader gives it`(text: String, expected: YAMLScalarType) throws {
        // A lone hyphen begins a list.
        let text = text == "-" ? "'-'" : text
        #expect(try type(text) == expected)
    }

    @Test func `other values have no scalar type, and tags are kept`() throws {
        #expect(try type("[1]") == nil && type("{a: 1}") == nil)
        let root = try YAMLDocument.root(of: Array("!thing\na: !!seq [!!str 1, !x {b: 1}]\n".utf8))
        guard case .mapping(let entries)? = root?.content, case .sequence(let items)? = entries.first?.value.content else {
            Issue.record("no sequence")
            return
        }
        #expect(root?.tag == "!thing" && entries.first?.value.tag == "tag:yaml.org,2002:seq")
        #expect(items.map(\.tag) == ["tag:yaml.org,2002:str", "!x"])
        #expect(entries.first?.key.tag == nil)
    }
}
