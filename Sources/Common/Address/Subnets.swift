/// Ranges of addresses, for questions about many addresses: each is answered in the time of a few look-ups, however many ranges
/// there are.
struct Subnets {
    /// The lowest addresses of the ranges, by family and prefix length.
    private var lowest: [Kind: Set<IPAddress>] = [:]

    private struct Kind: Hashable {
        let family: IPAddress.Family
        let prefixLength: Int
    }

    init(_ ranges: some Sequence<AddressRange>) {
        for range in ranges {
            let kind = Kind(family: range.address.family, prefixLength: range.prefixLength)
            lowest[kind, default: []].insert(range.canonical.address)
        }
    }

    /// Whether one of the ranges contains an address; the zone is ignored.
    func contains(_ address: IPAddress) -> Bool {
        lowest.contains { kind, lowest in
            kind.family == address.family && lowest.contains(address.keepingPrefix(of: kind.prefixLength))
        }
    }
}
