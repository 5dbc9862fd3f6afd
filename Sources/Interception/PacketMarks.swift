/// The marks of packets (`meta mark`): the socket to which the rule at a port sent a request, and that a reply comes from this host itself.
struct PacketMarks: Equatable, Sendable {
    /// Different each time the program starts: packets marked by the rules of an earlier process are not accepted.
    static let ofThisProcess = PacketMarks(upperHalf: .random(in: 0x1000...0x7FFF))

    private let base: UInt32

    /// - Parameter upperHalf: the higher 16 bits of all marks.
    init(upperHalf: UInt16) { base = UInt32(upperHalf) << 16 }

    /// The mark set by the rule that sends a frame to a listening socket: that socket accepts no other packets. So a packet that reaches the socket
    /// without that rule, or while another process has removed all rules, is dropped.
    func mark(ofSocketOn port: UInt16) -> UInt32 { base | UInt32(port) }

    /// Matches frames with the mark of any socket of this process.
    var isMarked: String { "meta mark & 0xffff0000 == \(hexadecimal(base))" }

    /// The mark of a socket in nft's notation.
    func text(ofSocketOn port: UInt16) -> String { hexadecimal(mark(ofSocketOn: port)) }

    /// The mark of a packet of this host, from its output rule to the rule that sends it to its port. Forwarded packets have none.
    var fromHost: String { hexadecimal(base | 1) }

    /// The mark of other packets of this host in the name of a metadata address, or with which a guest could deceive another about one.
    var otherFromHost: String { hexadecimal(base | 2) }

    /// The mark of a guest's router advertisement or redirect, from the rule at its port to the host's input. No socket accepts it, and no rule takes
    /// it for a packet that a socket accepts.
    var routerOfGuests: String { hexadecimal(base | 0x8000_0000) }

    /// The mark of a router advertisement from an uplink, from the rule there to the host's input, which takes no others from a bridge.
    var routerOfUplink: String { hexadecimal(base | 0x8000_0001) }

    /// Matches the packets of this host that any server's output rule has marked, of this process or an earlier one.
    static let isFromAnyServer = "meta mark & 0xffff == 0x1 meta mark 0x10000000-0x7fffffff"

    private func hexadecimal(_ mark: UInt32) -> String { "0x\(String(mark, radix: 16))" }
}
