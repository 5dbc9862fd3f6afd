/// The names of network links: which names the kernel accepts, which are safe to show and compare, and which an nftables rule can
/// contain.
package enum LinkName {
    /// The longest name in bytes (`IFNAMSIZ` without its terminating zero).
    package static let mostBytes = 15

    /// Whether the kernel accepts the name for a link (`dev_valid_name()`): 1 to 15 bytes without white space, slash and colon,
    /// and neither `.` nor `..`. The kernel accepts any bytes outside ASCII; here they must be text without control characters,
    /// because operators see the name.
    package static func isPossible(_ name: String) -> Bool {
        hasValidLength(name) && name != "." && name != ".."
            && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
            && !name.unicodeScalars.contains { $0.properties.isWhitespace || $0.properties.generalCategory == .control }
    }

    /// Whether the name is 1 to 15 printable ASCII characters, as the names of libvirt and of distributions are. Two other names
    /// may be the same text to Swift and different links to the kernel: Swift treats U+212A (Kelvin sign) and K as the same
    /// letter.
    package static func isPrintable(_ name: String) -> Bool {
        hasValidLength(name) && name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Whether an nftables rule can contain the name: printable, without quotation mark, backslash and star. A star at the end
    /// matches all names with that prefix.
    package static func isQuotable(_ name: String) -> Bool {
        isPrintable(name) && !name.utf8.contains { [0x22, 0x2A, 0x5C].contains($0) }
    }

    private static func hasValidLength(_ name: String) -> Bool { (1...mostBytes).contains(name.utf8.count) }
}
