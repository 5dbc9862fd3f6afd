import Common
import Testing

@Suite struct NearestWordTests {
    private let words: Set = ["instance-id", "instance-type", "name", "hostname", "tags"]

    @Test(arguments: [
        ("instnce-id", "instance-id"), ("instance_type", "instance-type"), ("nam", "name"), ("tag", "tags"),
        ("hostnames", "hostname"),
        ("name", "name"), ("naem", "name"), ("tgas", "tags"),
    ]) func `a misspelt name means the one with the fewest edits`(word: String, meant: String) {
        #expect(nearestWord(to: word, among: words) == meant)
    }

    @Test(arguments: ["", "x", "rack", "completely-different", "n"]) func `a name unlike all others means none`(word: String) {
        #expect(nearestWord(to: word, among: words) == nil)
    }

    @Test(.timeLimit(.minutes(1))) func `no nearest one is looked for of a very long name, or among very many`() {
        let name = String(repeating: "a", count: 128)
        #expect(nearestWord(to: String(name.dropLast()), among: [name]) == name)
        #expect(nearestWord(to: name, among: [name + "a"]) == nil)
        let long = String(repeating: "a", count: 200_000)
        #expect(nearestWord(to: long + "b", among: Array(repeating: long, count: 10_000)) == nil)
        #expect(nearestWord(to: "instance_1", among: (0..<9_000).map { "instance-\($0 % 10)" }) == "instance-1")
        #expect(nearestWord(to: "instance_1", among: (0..<200_000).map { "instance-\($0 % 10)" }) == nil)
    }
}
