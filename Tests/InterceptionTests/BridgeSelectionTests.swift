import Common
import Testing

@testable import Interception

struct BridgeSelectionTests {
    private var snapshot: Snapshot {
        var snapshot = Snapshot()
        snapshot.bridges = ["default": "virbr0", "lab": "virbr1"]
        guard let uuid = InstanceUUID("00000000-0000-4000-8000-000000000001") else { return snapshot }
        var interface = NetworkInterface(mac: MACAddress(bits: 1))
        interface.bridge = "br0"
        snapshot.insert(
            Instance(
                names: InstanceNames(domain: uuid, domainName: "web", uuid: uuid, id: "i", name: "web", hostname: "web"),
                launch: LaunchFacts(type: "t"), interfaces: [interface]))
        return snapshot
    }

    private func bridges(networks: [String] = [], bridges: [String] = [], all: Bool = false) -> [String] {
        BridgeSelection(networks: networks, bridges: bridges, servesAll: all).bridges(in: snapshot).keys.sorted()
    }

    @Test func `the selected bridges are served, or those of all networks and running domains`() {
        #expect(bridges(all: true) == ["br0", "virbr0", "virbr1"])
        #expect(bridges() == [], "no domain is enabled")
        #expect(bridges(networks: ["lab"]) == ["virbr1"])
        #expect(bridges(bridges: ["br7"]) == ["br7"])
        #expect(bridges(networks: ["default"], bridges: ["br0"]) == ["br0", "virbr0"])
        #expect(bridges(networks: ["nowhere"]).isEmpty)
    }

    @Test func `a selected network is not mistaken for one with an equivalent name`() {
        var snapshot = Snapshot()
        snapshot.bridges = ["b\u{FC}ro": "virbr5", "bu\u{308}ro": "virbr6"]
        let selection = BridgeSelection(networks: ["bu\u{308}ro"])
        #expect(selection.bridges(in: snapshot).keys.sorted() == ["virbr6"])
        snapshot.bridges["bu\u{308}ro"] = nil
        #expect(selection.missingNetworks(in: snapshot) == ["bu\u{308}ro"])
    }

    @Test func `a bridge's source is the option, else its network, else a running domain`() {
        var snapshot = snapshot
        snapshot.bridges["office"] = "br0"
        #expect(
            BridgeSelection(servesAll: true).bridges(in: self.snapshot) == [
                "br0": .domain, "virbr0": .network("default"), "virbr1": .network("lab"),
            ])
        #expect(BridgeSelection(servesAll: true).bridges(in: snapshot)["br0"] == .network("office"))
        #expect(BridgeSelection(networks: ["default"], bridges: ["virbr0"]).bridges(in: snapshot) == ["virbr0": .option])
        let texts = [BridgeSelection.Source.network("lab"), .option, .domain, .earlierDomain].map(\.description)
        #expect(texts == ["network lab", "--bridge", "a running domain", "a domain that has stopped"])
    }

    @Test func `without a setting the bridges of enabled domains are served, each because of one of them`() throws {
        typealias Examples = InterceptionExamples
        let web = Examples.enabled(1, "web", .init(1, on: "br0"), .init(2, on: "virbr0"), .init(3, on: nil))
        let mail = Examples.instance(2, "mail", [.init(4, on: "br0")], enabledBy: .smbiosIdentity("openstack"))
        var snapshot = Examples.snapshot(web, mail, Examples.instance(3, "bare", .init(5, on: "br9")))
        let selection = BridgeSelection()
        #expect(selection.isOptIn && !BridgeSelection(servesAll: true).isOptIn && !BridgeSelection(bridges: ["br0"]).isOptIn)
        #expect(selection.bridges(in: snapshot).keys.sorted() == ["br0", "virbr0"])
        let byWeb = BridgeSelection.Source.enabledDomain(web.domain, name: "web", .instanceElement)
        let byMail = BridgeSelection.Source.enabledDomain(mail.domain, name: "mail", .smbiosIdentity("openstack"))
        #expect(selection.bridges(in: snapshot)["virbr0"] == byWeb)
        // The first reason stays while it holds.
        for source in [byWeb, byMail] { #expect(BridgeSelection.enabledDomain(on: "br0", in: snapshot, after: source) == source) }
        snapshot.remove(web.domain)
        #expect(BridgeSelection.enabledDomain(on: "br0", in: snapshot, after: byWeb) == byMail)
        #expect(BridgeSelection.enabledDomain(on: "virbr0", in: snapshot, after: byWeb) == nil)
        #expect("\(byWeb)" == "domain web (<instance> element)")
        #expect("\(byMail)" == "domain mail (SMBIOS identity openstack)")
    }

    @Test func `a selected network that does not exist is missing`() {
        #expect(BridgeSelection(networks: ["lab", "nowhere"]).missingNetworks(in: snapshot) == ["nowhere"])
    }
}
