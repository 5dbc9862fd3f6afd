import Common

/// The host names by which clients may address this server.
///
/// A client may use any name, and no cloud agent's name is refused. But a page in a guest's browser can make its own host name
/// resolve to the metadata address (DNS rebinding), and then the browser lets the page read the answers. Such a request has two
/// marks: the page's name in `Host`, and fields that only browsers send.
package struct HostNames: Sendable {
    /// Names that EC2 clients resolve to the metadata address by themselves.
    package static let usual = ["instance-data", "instance-data.ec2.internal"]

    private let names: Set<String>

    /// - Parameter names: accepted besides addresses and `localhost`.
    package init(_ names: [String] = usual) {
        self.names = Set(names.map { Self.plain($0[...]) } + ["localhost"])
    }

    /// Whether a `Host` field, or the authority of a request's target, is an address, an accepted name, or empty.
    package func contains(_ authority: some StringProtocol) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        return authority.isEmpty || Self.isAddress(host) || names.contains(Self.plain(host))
    }

    /// Whether a text can be a name in a `Host` field (RFC 9110 §7.2).
    package static func isName(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { octet in
                switch octet {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The part before the port; `nil` where a port is no number, or a user is named before the host (RFC 3986 §3.2).
    private static func host(of authority: some StringProtocol) -> Substring? {
        let text = Substring(authority)
        guard !text.utf8.contains(UInt8(ascii: "@")) else { return nil }
        let start = text.utf8.first == UInt8(ascii: "[") ? text.utf8.firstIndex(of: UInt8(ascii: "]")) : text.startIndex
        guard let start else { return nil }
        guard let colon = text.utf8[start...].firstIndex(of: UInt8(ascii: ":")) else { return text }
        let port = text.utf8[text.utf8.index(after: colon)...]
        return port.allSatisfy { (0x30...0x39).contains($0) } ? text[..<colon] : nil
    }

    /// IPv6 is in brackets, as a rule without its zone; a client that sends the zone means the same address.
    private static func isAddress(_ host: Substring) -> Bool {
        guard host.utf8.first == UInt8(ascii: "[") else { return IPAddress(String(host))?.family == .v4 }
        let inside = host.dropFirst().dropLast()
        return IPAddress(String(inside.prefix { $0 != "%" }))?.family == .v6
    }

    /// A name without its final dot, in lower case.
    private static func plain(_ name: Substring) -> String {
        (name.utf8.last == UInt8(ascii: ".") ? name.dropLast() : name).lowercased()
    }
}
