import Common

@testable import Interception
@testable import Netlink

/// Hosts, domains and links for the tests of plans and rules.
enum InterceptionExamples {
    /// A domain's card: its hardware address, its tap and its bridge.
    struct Card {
        let mac: MACAddress
        var tap: String?
        var bridge: String?

        init(_ mac: UInt64, tap: String? = nil, on bridge: String? = "br0") {
            (self.mac, self.tap, self.bridge) = (MACAddress(bits: mac), tap, bridge)
        }
    }

    static let bridgeMAC = MACAddress(bits: 0x0200_0000_00FE)

    /// A running domain; its number is its UUID.
    static func instance(_ number: Int, _ name: String, _ cards: Card...) -> Instance { instance(number, name, cards) }

    static func instance(_ number: Int, _ name: String, _ cards: [Card], enabledBy: Enablement? = nil) -> Instance {
        let digits = String(number, radix: 16)
        let text = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        guard let uuid = InstanceUUID(text) else { preconditionFailure("\(text) is a UUID") }
        let interfaces = cards.map { card in
            var interface = NetworkInterface(mac: card.mac)
            (interface.tap, interface.bridge) = (card.tap, card.bridge)
            return interface
        }
        return Instance(
            names: InstanceNames(domain: uuid, domainName: name, uuid: uuid, id: "i-\(name)", name: name, hostname: name),
            launch: LaunchFacts(type: "t"), interfaces: interfaces, enabledBy: enabledBy)
    }

    /// The same, enabled by its element.
    static func enabled(_ number: Int, _ name: String, _ cards: Card...) -> Instance {
        instance(number, name, cards, enabledBy: .instanceElement)
    }

    /// All domains have been read.
    static func snapshot(_ instances: Instance..., isComplete: Bool = true) -> Snapshot {
        var snapshot = Snapshot()
        for instance in instances { snapshot.insert(instance) }
        snapshot.isLocalComplete = isComplete
        return snapshot
    }

    static func link(_ name: String, _ index: Int32, _ kind: String?, in master: Int32? = nil) -> Link {
        Link(name: name, index: index, kind: kind, master: master, mac: bridgeMAC, isUp: true)
    }

    static func bridge(_ name: String = "br0", _ index: Int32 = 7) -> Link { link(name, index, "bridge") }
    static func tap(_ name: String, _ index: Int32, in bridge: Int32 = 7) -> Link { link(name, index, "tun", in: bridge) }
}
