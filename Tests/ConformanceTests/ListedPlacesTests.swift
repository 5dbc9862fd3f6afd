import Common
import Inventory
import Testing

@Suite struct ListedPlacesTests {
    @Test(arguments: Story.all) func `every listed place of a story answers, and nothing is empty`(story: Story) throws {
        let walk = GuestWalk(for: try story.question())
        #expect(walk.faults == [])
        #expect(walk.answered > 100)
    }

    @Test(arguments: Story.all) func `an operator who asks in the guest's place finds no listed place that does not answer`(
        story: Story
    ) throws {
        let question = Question(about: try story.assembled().instance, address: nil, interface: nil, entropy: .fixed)
        #expect(GuestWalk(for: question).faults == [])
    }

    @Test(arguments: 0..<10 as Range<UInt64>) func `every listed place of a hundred made-up domains answers`(seed: UInt64) throws
    {
        let addresses: [IPAddress?] = [IPAddress("192.0.2.1"), IPAddress("fe80::1%br0"), nil]
        var domains = RandomDomain(seed: seed)
        var (answered, findings, keys, additional, tags, networks, words) = (0, 0, 0, 0, 0, 0, 0)
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
            keys += assembled.instance.publicKeys.count
            additional += assembled.instance.additional?.members.count ?? 0
            tags += assembled.instance.tags.count
            networks += assembled.instance.interfaces.count { !$0.addresses.isEmpty || !$0.subnetRanges.isEmpty }
            words += assembled.instance.words.count + assembled.instance.credentials.count
        }
        // What is left out cannot fail, so enough must be left.
        #expect(answered > 100 * 700)
        #expect(findings > 200 && keys > 60 && additional > 30 && tags > 60 && networks > 2 && words > 60)
    }
}
