package import Common

/// The addresses to which guests send metadata requests.
package enum MetadataAddress {
    /// EC2's and OpenStack's, link-local by RFC 3927.
    package static let v4 = known("169.254.169.254")
    /// OpenStack's for IPv6, link-local.
    static let linkLocal = known("fe80::a9fe:a9fe")
    /// EC2's for IPv6, unique local by RFC 4193.
    static let uniqueLocal = known("fd00:ec2::254")
    static let v6 = [linkLocal, uniqueLocal]
    package static let all = [v4] + v6

    /// The prefix length with which an address is added to a bridge: the link-local address has its link's prefix, the others are host addresses.
    static func prefixLength(of address: IPAddress) -> Int {
        address.family == .v4 ? 32 : address == linkLocal ? 64 : 128
    }

    private static func known(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure("'\(text)' is an address") }
        return address
    }
}
