import Common
import Testing

@Suite struct SchemaTests {
    private enum Version: String, SchemaVersion {
        case first = "1.0"
        case second = "2008-02-01"
        case third = "2009-04-04"
    }

    private let question = Question(about: .example(), address: nil, interface: nil, entropy: .system)

    private func schema(_ order: Schema<Version>.Order = .sorted) -> Schema<Version> {
        Schema(
            order: order,
            [
                Entry("meta-data/zone", since: .second) { _ in "z" },
                Entry("meta-data/id", since: .first) { _ in "i" },
                Entry("meta-data/Upper", since: .first) { _ in "u" },
                Entry("meta-data/unknown", since: .first) { (_: Question) -> String? in nil },
                Entry("void/deep/path", since: .first) { (_: Question) -> String? in nil },
                Entry("late/path", since: .third) { _ in "l" },
                Entry("tree", since: .first) { _ in
                    Directory([
                        Directory.Member("0", .text("zero"), label: "0=name"),
                        Directory.Member("lazy", isDirectory: true) { nil },
                    ]).map(Node.directory)
                },
                Entry("left", since: .second, operation: .storePassword) { _ in .text("") },
                Entry("versioned", since: .second) { _, version in .text(version.rawValue) },
            ])
    }

    private func read(_ path: String, _ order: Schema<Version>.Order = .sorted) -> String? {
        let names = path.split(separator: "/").map(String.init)
        return (try? schema(order).node(at: names[...], for: question)?.content).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func `the root lists the versions by date and latest at the end, without slashes`() {
        #expect(read("") == "1.0\n2008-02-01\n2009-04-04\nlatest")
    }

    @Test func `latest is the newest version`() {
        #expect(read("latest/versioned") == "2009-04-04")
        #expect(read("2008-02-01/versioned") == "2008-02-01")
    }

    @Test func `an unknown version has no entries`() {
        #expect(read("2008-02-02") == nil)
        #expect(read("2010-01-01/meta-data/id") == nil)
        #expect(read("LATEST") == nil)
    }

    @Test func `an entry is served from its version on`() {
        #expect(read("1.0/meta-data/zone") == nil)
        #expect(read("2008-02-01/meta-data/zone") == "z")
        #expect(read("2009-04-04/meta-data/zone") == "z")
        #expect(read("1.0/versioned") == nil)
        #expect(read("2008-02-01/late") == nil)
        #expect(read("latest/late/path") == "l")
    }

    @Test func `a listing is sorted by code point`() {
        #expect(read("1.0/meta-data") == "Upper\nid")
        #expect(read("2008-02-01/meta-data") == "Upper\nid\nzone")
        #expect(read("latest") == "late/\nleft\nmeta-data/\ntree/\nversioned")
    }

    @Test func `a listing keeps the order of the table where the table says so`() {
        #expect(read("latest", .table) == "meta-data/\nlate/\ntree/\nleft\nversioned")
        #expect(read("2008-02-01/meta-data", .table) == "zone\nid\nUpper")
    }

    @Test func `an entry without a node is neither served nor listed`() {
        #expect(read("latest/meta-data/unknown") == nil)
        #expect(read("latest/meta-data")?.contains("unknown") == false)
    }

    @Test func `an empty directory is not listed`() {
        #expect(read("latest/void") == nil)
        #expect(read("latest/void/deep") == nil)
        #expect(read("latest")?.contains("void") == false)
    }

    @Test func `an operation is at its own path only, from its version on`() {
        let operation = { (path: String) in schema().operation(at: path.split(separator: "/").map(String.init)[...]) }
        for path in ["2008-02-01/left", "2009-04-04/left", "latest/left"] { #expect(operation(path) != nil, "\(path)") }
        for path in ["1.0/left", "left", "latest", "latest/left/left", "latest/versioned", "2010-01-01/left", ""] {
            #expect(operation(path) == nil, "\(path)")
        }
    }

    @Test func `a leaf has no nodes below it`() {
        #expect(read("latest/meta-data/id/x") == nil)
        #expect(read("latest/meta-data/id/x/y") == nil)
    }

    @Test func `a row may hold a tree, whose labels are no paths`() {
        #expect(read("latest/tree") == "0=name\nlazy/")
        #expect(read("latest/tree/0") == "zero")
        #expect(read("latest/tree/0=name") == nil)
        #expect(read("latest/tree/0/x") == nil)
        #expect(read("latest/tree/lazy") == nil)
    }

    @Test func `two rows for one path trap`() async {
        await #expect(processExitsWith: .failure) {
            _ = Schema<Version>(
                order: .table,
                [
                    Entry("a/b", since: .first) { _ in "x" }, Entry("a/b", since: .second) { _ in "y" },
                ])
        }
        await #expect(processExitsWith: .failure) {
            _ = Schema<Version>(
                order: .table,
                [
                    Entry("a", since: .first) { _ in "x" }, Entry("a/b", since: .first) { _ in "y" },
                ])
        }
    }

    @Test func `a directory without members does not exist`() {
        #expect(Directory([]) == nil)
    }

    @Test func `versions compare by date`() {
        #expect(Version.first < .second && Version.second < .third && !(Version.third < .first))
        #expect(Version.names == ["1.0", "2008-02-01", "2009-04-04", "latest"])
    }
}
