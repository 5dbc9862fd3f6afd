import Common
import Testing

@Suite struct LibvirtNameTests {
    @Test(arguments: [("b\u{FC}ro", "bu\u{308}ro"), ("virbrK", "virbr\u{212A}"), ("net\u{1100}\u{1161}", "net\u{AC00}")])
    func `names that Unicode calls equivalent are different names`(first: String, second: String) {
        #expect(first == second, "to Swift's strings they are equal")
        let names = [LibvirtName(first): 1, LibvirtName(second): 2]
        #expect(names.count == 2)
        #expect(names[LibvirtName(first)] == 1 && names[LibvirtName(second)] == 2)
        #expect(LibvirtName(first) == LibvirtName(first) && LibvirtName(first) != LibvirtName(second))
    }

    @Test func `a name is shown as its text`() {
        #expect("\(LibvirtName("default"))" == "default")
    }
}
