import Inventory
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
}
