import Common
import Description
import Testing

/// What copies of a domain share.
struct DomainClonesTests {
    private func instance(_ number: Int, _ elements: String = "", mac: Int = 0, bridge: String = "br0") throws -> Instance {
        let digits = number < 10 ? "0\(number)" : "\(number)"
        let card = mac == 0 ? number : mac
        let xml = """
            <domain type='test'><name>web\(number)</name><uuid>\(digits)0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b00</uuid>\(elements)<devices>
            <interface type='bridge'><mac address='52:54:00:00:00:\(card < 10 ? "0" : "")\(card)'/><source bridge='\(bridge)'/></interface>
            </devices></domain>
            """
        return try InstanceAssembly(readsBare: false).assemble(Array(xml.utf8)).instance
    }

    private func element(_ id: String) -> String {
        "<metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>\(id)</instance-id></instance></metadata>"
    }

    @Test func `domains of their own share nothing`() throws {
        let all = [try instance(1), try instance(2), try instance(3, mac: 1, bridge: "br1")]
        let clones = DomainClones(all)
        #expect(all.allSatisfy { clones.clones(of: $0).isEmpty })
    }

    @Test func `an instance-id, a system UUID and a MAC address on one bridge are one domain's`() throws {
        let uuid = "<hwuuid>83679162-1378-4288-a2d4-70e13ec132aa</hwuuid>"
        let all = [try instance(1, element("i-a") + uuid), try instance(2, element("i-a")), try instance(3, uuid, mac: 1)]
        let clones = DomainClones(all)
        #expect(
            clones.clones(of: all[0]).map(\.problem) == [
                "the instance-id 'i-a' is that of domain 'web2' too: a guest made from the same disk keeps its old data",
                "the system UUID 83679162-1378-4288-a2d4-70e13ec132aa is that of domain 'web3' too",
                "the MAC address 52:54:00:00:00:01 is that of domain 'web3' too, on the same bridge br0",
            ])
        #expect(clones.clones(of: all[1]).map(\.shared) == [.instanceID("i-a")])
        #expect(clones.clones(of: all[2]).count == 2)
    }

    @Test func `of many clones the first are named, and one domain at two hypervisors is none`() throws {
        let all = try (1...6).map { try instance($0, element("i-a")) }
        let clones = DomainClones(all + [all[0]])
        let problem = "the instance-id 'i-a' is that of domains 'web2', 'web3', 'web4' and 2 more too"
        #expect(clones.clones(of: all[0]).first?.problem.hasPrefix(problem) == true)
        #expect(DomainClones([all[0], all[0]]).clones(of: all[0]).isEmpty)
    }
}
