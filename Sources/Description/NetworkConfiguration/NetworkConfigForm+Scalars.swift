import Common
import YAML

/// What a scalar of each form looks like.
extension NetworkConfigForm {
    /// Whether YAML has to read the value as a text.
    var isText: Bool {
        switch self {
        case .text, .word, .linkName, .macAddress, .interfaceAddress, .destination, .address: true
        default: false
        }
    }

    /// For errors: `expected …`.
    var expectation: String {
        switch self {
        case .boolean, .dhcp: "true or false, without quotation marks"
        case .domains: "true, false or route"
        case .integer(let range) where range.count == 1: "\(range.lowerBound), without quotation marks"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound), without quotation marks"
        case .text: "a text"
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .time: "a number of milliseconds, such as 100, or a time such as 1s"
        case .linkName: "a name of 1 to 15 characters without '/', ':' and spaces"
        case .macAddress: "a MAC address of six pairs of digits, such as \"52:54:00:12:34:56\""
        case .interfaceAddress: "ADDRESS/PREFIX, such as 192.0.2.10/24 or 2001:db8::10/64"
        case .destination: "ADDRESS/PREFIX, such as 198.51.100.0/24"
        case .address(isIPv6: nil): "an IP address"
        case .address(isIPv6: false): "an IPv4 address"
        case .address(isIPv6: true): "an IPv6 address"
        case .list, .mapping, .ports, .links, .anything: "a value"
        }
    }

    func fits(_ text: String, _ type: YAMLScalarType) -> Bool {
        switch self {
        case .boolean: return Self.isBoolean(type)
        case .dhcp: return Self.isBoolean(type) || ["yes", "no"].contains(text)
        case .domains: return Self.isBoolean(type) || ["true", "false", "route"].contains(text)
        case .integer(let range):
            if case .integer(let value?) = type { return range.contains(value) }
            return false
        case .text: return !text.isEmpty
        case .word(let words): return words.contains(text)
        case .time:
            if case .integer(let value?) = type { return value >= 0 }
            let digits = text.prefix { ("0"..."9").contains($0) }
            return type == .text && !digits.isEmpty && ["", "ms", "s", "min"].contains(text.dropFirst(digits.count))
        case .linkName: return LinkName.isPossible(text)
        case .macAddress: return MACAddress(text) != nil && !text.contains("-")
        case .interfaceAddress: return (InterfaceAddress(text)?.prefixLength ?? 0) > 0
        case .destination: return text == "default" || AddressRange(text) != nil
        case .address(let isIPv6):
            guard let address = IPAddress(text), address.zone == nil else { return false }
            return isIPv6.map { $0 == (address.family == .v6) } ?? true
        case .list, .mapping, .ports, .links, .anything: return true
        }
    }

    private static func isBoolean(_ type: YAMLScalarType) -> Bool {
        if case .boolean = type { true } else { false }
    }
}
