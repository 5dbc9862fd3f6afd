import Common
import Testing
import XML

@testable import Description

@Suite struct PasswordElementTests {
    private static let element = "<p:password xmlns:p='urn:virt-metadata:password:1'>"

    private func password(_ metadata: String, edited: String? = nil) throws -> String? {
        let xml = { (metadata: String) in
            Array("<domain><name>a</name><uuid>\(uuid)</uuid><metadata>\(metadata)</metadata></domain>".utf8)
        }
        return try InstanceAssembly().assemble(xml(metadata), edited: edited.map(xml)).instance.password
    }

    private let uuid = "83679162-1378-4288-a2d4-70e13ec132aa"

    @Test func `a password is the text of its element, to the byte`() throws {
        #expect(try password("\(Self.element)c2Vj\n cmV0\n</p:password>") == "c2Vj\n cmV0\n")
        #expect(try password("<password xmlns='urn:virt-metadata:password:1'> </password>") == " ")
    }

    @Test func `a missing, empty or foreign element is not a password`() throws {
        let others = ["<password>a</password>", "<x:password xmlns:x='urn:x'>a</x:password>"]
        for metadata in ["", "\(Self.element)</p:password>"] + others {
            #expect(try password(metadata) == nil, "\(metadata)")
        }
        #expect(try InstanceAssembly().assemble(domain()).instance.password == nil)
    }

    @Test func `the password is the running domain's, not the definition's`() throws {
        let left = "\(Self.element)left</p:password>"
        #expect(try password(left, edited: "") == "left")
        #expect(try password("", edited: left) == nil)
    }

    @Test func `the password element gives no finding`() throws {
        let xml = "<domain><name>a</name><uuid>\(uuid)</uuid><metadata>\(Self.element)a</p:password></metadata></domain>"
        #expect(try InstanceAssembly().assemble(Array(xml.utf8)).findings.isEmpty)
    }

    @Test(arguments: ["a", " ", "\n", "\r\n", "a\tb\rc", "<a>&amp;]]>\"'</a>", "naïve ☃ \u{1F600}", "\u{301}", "\u{FFFD}"])
    func `a written value is read unchanged`(text: String) throws {
        let written = PasswordElement.xml(for: text)
        #expect(PasswordElement.text(ofElement: written).map { Array($0.utf8) } == Array(text.utf8))
    }
}
