import Common

/// What our two nftables tables (nft(8)) hold: the elements of their sets, and which bridges are redirected.
///
/// `bridge virt_metadata` sees frames as they enter a port, before the bridge learns from them; `inet virt_metadata` sees packets
/// that a bridge has handed to the host. `RuleSet+Script` writes both.
struct RuleSet: Equatable {
    /// The sets and maps of both tables, by name.
    enum Element: String, CaseIterable, Hashable {
        /// Every port of our bridges.
        case ports
        /// The ports behind which there are guests, or will be.
        case taps
        /// The hardware addresses of all guests on our bridges.
        case macs
        /// Which of them may come by which port.
        case nics
        /// The ports of bridges in the mode `bridge` that lead elsewhere.
        case uplinks
        /// The ports from which packets are lifted to the host, and the hardware address of the host on their bridge.
        case lifted
        /// The bridges whose guests may not connect at present.
        case closed
        /// The bridges whose IPv4, and whose IPv6, is redirected, and the ports to which.
        case redirected
        case redirected6
    }

    /// How many new connections a second each guest's port may begin; `nil` for any number.
    var connectionsPerSecond: Int?
    /// By set, what it holds, as nft writes it.
    private(set) var elements: [Element: Set<String>] = [:]
    /// The bridges that are redirected, and the zone of connection tracking that each has for itself: two guests on two bridges may
    /// have the same address.
    private(set) var zones: [String: UInt16] = [:]

    /// Closes a bridge: no new connection to the metadata addresses comes in by it.
    mutating func close(_ bridge: String) { add(.closed, quoted(bridge)) }

    /// Sends what enters by a bridge to a port.
    mutating func redirect(_ bridge: String, index: Int32, to port: UInt16, _ family: IPAddress.Family) {
        add(family == .v4 ? .redirected : .redirected6, quoted(bridge).map { "\($0) : \(port)" })
        // Zone 0 is everybody's.
        if quoted(bridge) != nil { zones[bridge] = UInt16(truncatingIfNeeded: index) | 1 << 15 }
    }

    /// A port of one of our bridges.
    mutating func add(port: String) { add(.ports, quoted(port)) }

    /// A port that leads elsewhere than to a guest, where guests' packets are lifted.
    mutating func add(uplink: String) { add(.uplinks, quoted(uplink)) }

    /// Lifts a port's packets for the metadata addresses to the host, which has this hardware address.
    mutating func lift(_ port: String, to mac: MACAddress) { add(.lifted, quoted(port).map { "\($0) : \(mac)" }) }

    /// A port behind which there is a guest that may use these hardware addresses, or one that is not known yet.
    mutating func guardPort(_ port: String, macs: some Sequence<MACAddress>) {
        add(.taps, quoted(port))
        for mac in macs {
            add(.macs, "\(mac)")
            add(.nics, quoted(port).map { "\($0) . \(mac)" })
        }
    }

    private mutating func add(_ set: Element, _ element: String?) {
        if let element { elements[set, default: []].insert(element) }
    }

    /// A link's name as nft reads it; `nil` for one that it would read as something else. The kernel allows nearly any character,
    /// and a star at the end would stand for all names that begin so.
    private func quoted(_ name: String) -> String? { Self.canName(name) ? "\"\(name)\"" : nil }

    /// Whether a rule can name a link: printable ASCII without a quotation mark, a backslash or a star.
    static func canName(_ link: String) -> Bool {
        !link.isEmpty && link.utf8.allSatisfy { (0x21...0x7E).contains($0) && ![0x22, 0x2A, 0x5C].contains($0) }
    }
}
