import Common
import OpenStackAPI
import Testing

@Suite struct NetworkDataDocumentTests {
    private func document(_ interfaces: NetworkInterface...) -> String? {
        read("/openstack/latest/network_data.json", .example(interfaces: interfaces))
    }

    @Test func `a link is named by its number and gets its addresses by DHCP`() {
        #expect(
            document(.example(network: "default", bridge: "virbr0", mtu: 1400)) == """
                {"links": [{"id": "interface0", "type": "phy", "mtu": 1400, "ethernet_mac_address": "52:54:00:00:00:01"}], \
                "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "interface0", "network_id": "uuid-of-default"}], "services": []}
                """)
    }

    @Test func `a network is known by its UUID, else by its bridge, else by its link`() {
        #expect(document(.example(network: "default", bridge: "virbr0"))?.contains(#""network_id": "uuid-of-default""#) == true)
        #expect(document(.example(bridge: "br0"))?.contains(#""network_id": "br0""#) == true)
        #expect(document(.example())?.contains(#""network_id": "interface0""#) == true)
        #expect(document(.example())?.contains(#""mtu": null"#) == true)
    }

    @Test func `a link of a network without DHCP is there and has no network, and the others keep their numbers`() {
        #expect(
            document(.example(1, network: "quiet", offersDHCP: false), .example(2, bridge: "br0")) == """
                {"links": [{"id": "interface0", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:01"}, \
                {"id": "interface1", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:02"}], \
                "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "interface1", "network_id": "br0"}], "services": []}
                """)
    }

    @Test func `a document without any network does not exist, so that the guest does not configure none`() {
        #expect(document() == nil)
        #expect(document(.example(network: "quiet", offersDHCP: false)) == nil)
        let quiet = Instance.example(interfaces: [.example(network: "quiet", offersDHCP: false)])
        #expect(read("/openstack/latest", quiet)?.contains("network_data") == false)
    }
}
