import Common
import Testing

@testable import Server

struct BridgeSelectionTests {
    private var snapshot: Snapshot {
        var snapshot = Snapshot()
        snapshot.bridges = ["default": "virbr0", "lab": "virbr1"]
        guard let uuid = InstanceUUID("00000000-0000-4000-8000-000000000001") else { return snapshot }
        var interface = NetworkInterface(mac: MACAddress(bits: 1))
        interface.bridge = "br0"
        snapshot.insert(
            Instance(
                domain: uuid, domainName: "web", uuid: uuid, id: "i", name: "web", hostname: "web", type: "t",
                interfaces: [interface]))
        return snapshot
    }

    private func bridges(networks: [String] = [], bridges: [String] = []) -> [String] {
        BridgeSelection(networks: networks, bridges: bridges).bridges(in: snapshot).keys.sorted()
    }

    @Test func `all networks' and running domains' bridges are served unless some are named`() {
        #expect(bridges() == ["br0", "virbr0", "virbr1"])
        #expect(bridges(networks: ["lab"]) == ["virbr1"])
        #expect(bridges(bridges: ["br7"]) == ["br7"])
        #expect(bridges(networks: ["default"], bridges: ["br0"]) == ["br0", "virbr0"])
        #expect(bridges(networks: ["nowhere"]).isEmpty)
    }

    @Test func `a network that is named and not there is known to be missing`() {
        #expect(BridgeSelection(networks: ["lab", "nowhere"]).missingNetworks(in: snapshot) == ["nowhere"])
    }
}
