import Common
import EC2API
import Testing

@Suite struct EC2TagsTests {
    private func listing(_ names: String...) -> String? {
        read("/latest/meta-data/tags/instance", .example(tags: names.map { Tag($0, "value of \($0)") }))
    }

    @Test func `a tag is found by its name, whatever its characters`() {
        let tags = ["Name", "a=b", "with space", "größe", "aws:x", "="].map { Tag($0, "value of \($0)") }
        #expect(read("/latest/meta-data/tags/instance", .example(tags: tags)) == tags.map(\.name).joined(separator: "\n"))
        for tag in tags {
            let path = "/latest/meta-data/tags/instance/" + tag.name.replacing(" ", with: "%20")
            #expect(read(path, .example(tags: tags)) == tag.value)
        }
        #expect(read("/latest/meta-data/tags/instance/Name/", .example(tags: tags)) == "value of Name")
        #expect(read("/latest/meta-data/tags/instance/Name/x", .example(tags: tags)) == nil)
        #expect(read("/latest/meta-data/tags", .example()) == nil)
    }

    @Test func `a tag that reads as the number of a key is not listed, nor served`() {
        #expect(listing("a", "0=x", "+1=", "-2=y", "1_0=z", " 3 =w", "٣=x", "b") == "a\nb")
        #expect(listing("0=x") == nil)
        #expect(read("/latest/meta-data/tags/instance/0=x", .example(tags: [Tag("0=x", "y")])) == nil)
        #expect(listing("0", "a=0", "0a=x", "_=x", "=0") == "0\na=0\n0a=x\n_=x\n=0")
    }

    @Test func `ten thousand tags are listed, and each is found`() {
        let instance = Instance.example(tags: (0..<10_000).map { Tag("tag-\($0)", "\($0)") })
        #expect(read("/latest/meta-data/tags/instance", instance)?.split(separator: "\n").count == 10_000)
        for number in stride(from: 0, to: 10_000, by: 999) {
            #expect(read("/latest/meta-data/tags/instance/tag-\(number)", instance) == String(number))
        }
    }
}
