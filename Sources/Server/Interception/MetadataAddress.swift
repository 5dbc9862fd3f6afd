import Common

/// The addresses under which guests look for metadata.
enum MetadataAddress {
    /// EC2's and OpenStack's, link-local by RFC 3927.
    static let v4 = known("169.254.169.254")
    /// OpenStack's on every link of IPv6.
    static let linkLocal = known("fe80::a9fe:a9fe")
    /// EC2's in IPv6, unique local by RFC 4193.
    static let uniqueLocal = known("fd00:ec2::254")
    /// Both of IPv6.
    static let v6 = [linkLocal, uniqueLocal]

    /// How many bits of an address name its network: the link-local one says what its link is, the others are alone.
    static func prefixLength(of address: IPAddress) -> Int {
        address.family == .v4 ? 32 : address == linkLocal ? 64 : 128
    }

    private static func known(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure("'\(text)' is an address") }
        return address
    }
}
