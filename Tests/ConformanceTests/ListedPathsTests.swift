import Common
import Description
import Testing

@Suite struct ListedPathsTests {
    @Test(arguments: Case.all) func `every listed path of a case is served, and nothing is empty`(fixture: Case) throws {
        let walk = GuestWalk(for: try fixture.question())
        #expect(walk.faults == [])
        #expect(walk.answered > 100)
    }

    @Test(arguments: Case.all) func `every listed path is served to an operator too`(
        fixture: Case
    ) throws {
        let question = Question(about: try fixture.assembled().instance, address: nil, interface: nil, entropy: .fixed)
        #expect(GuestWalk(for: question).faults == [])
    }

    @Test(arguments: 0..<10 as Range<UInt64>) func `every listed path of a hundred random domains is served`(seed: UInt64) throws
    {
        let addresses: [IPAddress?] = [IPAddress("192.0.2.1"), IPAddress("fe80::1%br0"), nil]
        var domains = RandomDomain(seed: seed)
        var (answered, findings, keys, additional, tags, networks, verbatim) = (0, 0, 0, 0, 0, 0, 0)
        for number in 0..<100 {
            let xml = domains.next()
            let assembled = try InstanceAssembly().assemble(xml)
            let address = addresses[number % addresses.count]
            let question = Question(
                about: assembled.instance, address: address, interface: address == nil ? nil : 0, entropy: .fixed,
                seal: number % 2 == 0 ? nil : .example)
            let walk = GuestWalk(for: question)
            #expect(walk.faults == [], "\(String(decoding: xml, as: UTF8.self))")
            answered += walk.answered
            findings += assembled.findings.count
            keys += assembled.instance.access.publicKeys.count
            additional += assembled.instance.documents.additional?.members.count ?? 0
            tags += assembled.instance.documents.tags.count
            networks += assembled.instance.interfaces.count { !$0.addresses.isEmpty || !$0.subnetRanges.isEmpty }
            verbatim += assembled.instance.documents.verbatim.count + assembled.instance.access.credentials.count
        }
        // An omitted path cannot fail, so enough must remain.
        #expect(answered > 100 * 700)
        #expect(findings > 200 && keys > 60 && additional > 30 && tags > 60 && networks > 2 && verbatim > 60)
    }
}
