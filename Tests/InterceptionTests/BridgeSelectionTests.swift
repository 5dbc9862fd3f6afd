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

    private func bridges(networks: [String] = [], bridges: [String] = []) -> [String] {
        BridgeSelection(networks: networks, bridges: bridges).bridges(in: snapshot).keys.sorted()
    }

    @Test func `all networks' and running domains' bridges are served unless some are selected`() {
        #expect(bridges() == ["br0", "virbr0", "virbr1"])
        #expect(bridges(networks: ["lab"]) == ["virbr1"])
        #expect(bridges(bridges: ["br7"]) == ["br7"])
        #expect(bridges(networks: ["default"], bridges: ["br0"]) == ["br0", "virbr0"])
        #expect(bridges(networks: ["nowhere"]).isEmpty)
    }

    @Test func `a bridge's source is the option, else its network, else a running domain`() {
        var snapshot = snapshot
        snapshot.bridges["office"] = "br0"
        #expect(
            BridgeSelection().bridges(in: self.snapshot) == [
                "br0": .domain, "virbr0": .network("default"), "virbr1": .network("lab"),
            ])
        #expect(BridgeSelection().bridges(in: snapshot)["br0"] == .network("office"))
        #expect(BridgeSelection(networks: ["default"], bridges: ["virbr0"]).bridges(in: snapshot) == ["virbr0": .option])
        let texts = [BridgeSelection.Source.network("lab"), .option, .domain, .earlierDomain].map(\.description)
        #expect(texts == ["network lab", "--bridge", "a running domain", "an earlier domain"])
    }

    @Test func `a selected network that does not exist is missing`() {
        #expect(BridgeSelection(networks: ["lab", "nowhere"]).missingNetworks(in: snapshot) == ["nowhere"])
    }
}
