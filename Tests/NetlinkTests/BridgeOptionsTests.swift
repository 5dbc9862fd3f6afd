import Common
import TestSupport
import Testing

@testable import Netlink

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct BridgeOptionsTests {
    let host: NetworkNamespace

    init() throws {
        host = try NetworkNamespace()
        try host.addBridge("br0")
    }

    private func link(_ name: String) throws -> Link {
        try #require(try host.enter { try Links.link(named: name) })
    }

    private func set(_ learns: Bool, of index: Int32) throws {
        try host.enter { try BridgeOptions.setLearnsFromLinkLocal(learns, ofBridge: index) }
    }

    @Test func `a bridge learns from link-local frames unless disabled`() throws {
        let bridge = try link("br0")
        #expect(bridge.learnsFromLinkLocal)
        try set(false, of: bridge.index)
        #expect(try !link("br0").learnsFromLinkLocal)
        #expect(try host.run("ip", "-details", "link", "show", "br0").contains("no_linklocal_learn 1"))
        try set(true, of: bridge.index)
        #expect(try link("br0").learnsFromLinkLocal)
    }

    @Test func `nothing else of the bridge is changed`() throws {
        try host.run("ip", "link", "set", "br0", "type", "bridge", "ageing_time", "12300")
        try set(false, of: try link("br0").index)
        let details = try host.run("ip", "-details", "link", "show", "br0")
        #expect(details.contains("ageing_time 12300") && details.contains("mcast_vlan_snooping 0"))
    }

    @Test func `a missing link and a link that is not a bridge are refused`() throws {
        let loopback = try link("lo").index
        #expect(throws: KernelError.self) { try set(false, of: loopback) }
        #expect(throws: KernelError(.noSuchDevice, in: "RTM_NEWLINK")) { try set(false, of: 4711) }
    }
}
