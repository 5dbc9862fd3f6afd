import Common

@testable import Netlink
@testable import Sockets

/// A datagram of the kernel's, or the headers of a SYN: whatever they say, they are read to their end or refused.
enum NetlinkTarget {
    static func run(_ input: [UInt8]) -> Int32 {
        check(SavedSYN(bytes: input), input)
        var announced = AnnouncedNetwork(routesTo: IPAddress(v4: 0xA9FE_A9FE))
        for _ in 0..<2 { _ = announced.hints(in: input[...]) }
        _ = try? Netlink.answer(to: "RTM_GETNEIGH", sequence: 1, in: input[...])
        _ = try? Netlink.part(ofListFrom: "RTM_GETNEIGH", sequence: 1, in: input[...])
        guard let messages = try? Netlink.messages(in: input[...], "RTM_GETNEIGH") else { return 0 }
        let (address, mac) = (IPAddress(v4: 0x0A09_0002), MACAddress(bits: 0x5254_0000_0009))
        for message in messages {
            // What is refused is refused by an error, which is as good as an answer.
            _ = try? Neighbours.mac(in: message, of: address, onInterface: 3)
            _ = try? Neighbours.interface(inRoute: message)
            _ = try? ForwardingDatabase.port(in: message, of: mac, onBridge: 3)
            _ = try? Link(message, "RTM_GETLINK")
            _ = try? LinkAddress(message, "RTM_GETADDR")
            _ = try? AddressUse.routes(in: message, to: address, "RTM_GETROUTE")
        }
        return 0
    }

    /// Only a frame has a hardware address, and it is one interface's.
    private static func check(_ packet: SavedSYN?, _ input: [UInt8]) {
        guard let mac = packet?.sourceMAC else { return }
        guard input.count % 4 == 2, mac.namesOneInterface else { fatalError("a SYN names \(mac), which did not send it") }
    }
}
