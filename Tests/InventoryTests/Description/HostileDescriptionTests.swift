import Common
import Inventory
import Testing

/// Hostile domains: each loses itself or one of its values, and never affects others.
@Suite(.timeLimit(.minutes(1))) struct HostileDescriptionTests {
    private func refusal(_ xml: String) -> String? {
        do throws(DescriptionError) {
            _ = try InstanceAssembly().assemble(Array(xml.utf8))
            return nil
        } catch {
            return error.problem
        }
    }

    private let uuid = "83679162-1378-4288-a2d4-70e13ec132aa"

    @Test func `XML over 4 MiB makes its domain unusable, and XML just under it does not`() throws {
        let capacity = 4 * 1024 * 1024 - domain("<userdata></userdata>").count
        let full = try assembled("<userdata>\(String(repeating: "x", count: capacity))</userdata>")
        #expect(full.instance.documents.userData?.count == capacity)
        #expect(throws: DescriptionError.self) {
            try assembled("<userdata>\(String(repeating: "x", count: capacity + 1))</userdata>")
        }
    }

    @Test func `a document type makes its domain unusable, before any entity is expanded`() {
        let laughs = "<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
        let external = "<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>"
        for head in [laughs, external, "<!DOCTYPE domain>", "<!DOCTYPE domain SYSTEM 'http://192.0.2.1/x.dtd'>"] {
            #expect(
                refusal("\(head)<domain><name>x</name><uuid>\(uuid)</uuid></domain>")?.contains("document type") == true,
                "\(head)")
        }
        #expect(refusal("<domain><name>&b;</name><uuid>\(uuid)</uuid></domain>") != nil)
    }

    @Test func `deep nesting makes the domain unusable in XML, and the value in JSON`() throws {
        let deep = String(repeating: "<a>", count: 100_000) + String(repeating: "</a>", count: 100_000)
        #expect(throws: DescriptionError.self) { try assembled(deep) }
        let json = String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        let survivor = try assembled("<name>N</name><additional>\(json)</additional>")
        #expect(survivor.instance.name == "N" && survivor.instance.documents.additional == nil)
        #expect(survivor.findings.map(\.element) == ["additional"])
    }

    @Test func `a tree as deep as JSON may be is a tree`() throws {
        let json = String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64)
        #expect(try assembled("<additional>\(json)</additional>").instance.documents.additional != nil)
    }

    @Test func `ten thousand keys are ten thousand keys, and soon read`() throws {
        let keys = (0..<10_000).map { "<public-key name='k\($0)'><key>ssh-ed25519 \($0)</key></public-key>" }.joined()
        let clock = ContinuousClock()
        var instance: Instance?
        let time = try clock.measure { instance = try assembled("<public-keys>\(keys)</public-keys>").instance }
        #expect(instance?.access.publicKeys.count == 10_000)
        #expect(instance?.access.publicKeys.last?.name == "k9999")
        #expect(time < .seconds(10))
    }

    @Test func `ten thousand formats, tags, groups and members are soon read`() throws {
        let numbers = 0..<10_000
        let formats = numbers.map { "<key format='f\($0)'>k</key>" }.joined()
        let elements = """
            <public-keys><public-key name='a'>\(formats)</public-key></public-keys>
            <tags>\(numbers.map { "<tag name='t\($0)'/>" }.joined())</tags>
            <security-groups>\(numbers.map { "<group>g\($0)</group>" }.joined())</security-groups>
            <additional>{\(numbers.map { "\"m\($0)\": 1" }.joined(separator: ","))}</additional>
            """
        let clock = ContinuousClock()
        var instance: Instance?
        let time = try clock.measure { instance = try assembled(elements).instance }
        #expect(instance?.access.publicKeys.first?.formats.count == 10_000)
        #expect(instance?.documents.tags.count == 10_000 && instance?.access.securityGroups.count == 10_000)
        #expect(instance?.documents.additional?.members.count == 10_000)
        #expect(time < .seconds(10))
    }

    @Test func `misspelt long names are truncated, and soon read`() throws {
        let name = String(repeating: "x", count: 40_000)
        let clock = ContinuousClock()
        var findings: [Finding] = []
        let time = try clock.measure { findings = try assembled(String(repeating: "<\(name)/>", count: 50)).findings }
        #expect(findings.count == 50)
        #expect(findings.allSatisfy { $0.description.utf8.count < 200 })
        #expect(time < .seconds(10))
    }

    @Test func `one bad domain does not affect others`() throws {
        let assembly = try InstanceAssembly()
        #expect(throws: DescriptionError.self) { try assembly.assemble(Array("<domain".utf8)) }
        #expect(throws: DescriptionError.self) { try assembly.assemble([0xFF, 0xFE]) }
        #expect(try assembly.assemble(domain()).instance.name == "web")
    }
}
