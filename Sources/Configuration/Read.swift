import Common
import Guests
import Identity
import NIOCore
import VendorData

/// Parsers of the settings' texts, with an error for each invalid text.
enum Read {
    /// Hypervisors, at least one and each once.
    static func uris(_ values: [String]) throws(Setting.BadValue) {
        guard !values.isEmpty else {
            throw Setting.BadValue(problem: "expected at least one libvirt URI, such as qemu:///system")
        }
        var known: Set<String> = []
        for text in values {
            guard text.contains(":") else {
                throw Setting.BadValue(text, expected: "a libvirt URI such as qemu:///system")
            }
            guard known.insert(text).inserted else { throw Setting.BadValue(problem: "'\(text)' is given twice") }
        }
    }

    static func anything(_ text: String) -> String { text }

    /// The libvirt networks whose bridges are served, or the word for every bridge.
    static func networks(_ names: [String]) throws(Setting.BadValue) {
        guard !names.contains(Configuration.everyNetwork) || names.count == 1 else {
            let word = Configuration.everyNetwork
            throw Setting.BadValue(problem: "'\(word)' serves every bridge: give '\(word)' alone, or names without it")
        }
    }

    /// `ADDRESS:PORT`, an IPv6 address in brackets; names are not looked up.
    static func socketAddress(_ text: String) throws(Setting.BadValue) -> SocketAddress {
        let expected = "ADDRESS:PORT such as 127.0.0.1:8775 or [::1]:8775"
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port)
        else {
            throw Setting.BadValue(text, expected: expected)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw Setting.BadValue(text, expected: expected)
        }
        guard let address = try? SocketAddress(ipAddress: String(host), port: port) else {
            throw Setting.BadValue(text, expected: expected)
        }
        return address
    }

    static func target(_ text: String) throws(Setting.BadValue) -> VendorDataTarget {
        guard let target = VendorDataTarget(text) else {
            throw Setting.BadValue(text, expected: "NAME@http://HOST:PORT/PATH or https, without user or password")
        }
        return target
    }

    /// Vendor data targets, each name once.
    static func targets(_ values: [String]) throws(Setting.BadValue) {
        var known: Set<String> = [VendorDataTarget.reservedName]
        for text in values {
            let target = try target(text)
            guard known.insert(target.name).inserted else {
                let isReserved = target.name == VendorDataTarget.reservedName
                let owner = isReserved ? "the domains' own <vendordata>" : "another target"
                throw Setting.BadValue(problem: "the name '\(target.name)' is used by \(owner): choose a different name")
            }
        }
    }

    /// The name of a link, which the kernel limits to 15 bytes without a slash or white space.
    static func bridge(_ text: String) throws(Setting.BadValue) -> String {
        guard LinkName.isPossible(text), LinkName.isQuotable(text) else {
            throw Setting.BadValue(text, expected: "a bridge name of 1 to 15 characters, such as virbr0")
        }
        return text
    }

    /// A name that a `Host` field may have, without a port.
    static func hostName(_ text: String) throws(Setting.BadValue) -> String {
        guard HostNames.isName(text) else {
            throw Setting.BadValue(text, expected: "a host name such as metadata.example")
        }
        return text
    }

    static func absolutePath(_ text: String) throws(Setting.BadValue) -> String {
        guard text.hasPrefix("/"), !text.utf8.contains(0) else {
            throw Setting.BadValue(text, expected: "an absolute path such as /run/virt-metadata")
        }
        return text
    }

    static func fileOrNone(_ text: String) throws(Setting.BadValue) -> String {
        text == Secrets.Locations.noIdentity ? text : try absolutePath(text)
    }

    static func pathOrNone(_ text: String) throws(Setting.BadValue) -> String {
        text == Configuration.noAdminSocket ? text : try absolutePath(text)
    }

    static func loopbackAddress(_ text: String) throws(Setting.BadValue) -> SocketAddress {
        let address = try socketAddress(text)
        guard let ip = address.ipAddress.flatMap({ IPAddress($0) }), loopback.contains(where: { $0.contains(ip) }) else {
            throw Setting.BadValue(text, expected: "a loopback address, which guests cannot reach, such as 127.0.0.1:9169")
        }
        return address
    }

    private static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { AddressRange($0) }

    static func range(_ text: String) throws(Setting.BadValue) -> AddressRange {
        guard let range = AddressRange(text) else {
            throw Setting.BadValue(text, expected: "an address range in CIDR notation, such as 127.0.0.1/32 or fd00::/8")
        }
        return range
    }

    static func bool(_ values: [String]) throws(Setting.BadValue) -> Bool {
        switch values.first?.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw Setting.BadValue(values.joined(separator: ","), expected: "true or false")
        }
    }

    /// Longer durations are typing errors, and clocks need not count so far.
    private static let longest = Duration.seconds(366 * 86_400)

    /// The units of durations, the longest first.
    private static let units: [(name: Substring, length: Duration)] = [
        ("d", .seconds(86_400)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)), ("ms", .milliseconds(1)),
    ]

    /// A positive number with a unit: `250ms`, `10s`, `5m`, `2h`, `1d`.
    static func duration(_ text: String, upTo longest: Duration = Self.longest) throws(Setting.BadValue) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        let forms = "a duration such as 250ms, 10s, 5m, 2h or 1d"
        guard !name.isEmpty || digits.isEmpty else {
            throw Setting.BadValue(text, expected: "a unit after the number (ms, s, m, h or d), such as \(text)s")
        }
        guard let number = Int32(digits), number > 0, let unit = units.first(where: { $0.name == name })?.length else {
            throw Setting.BadValue(text, expected: forms)
        }
        let time = unit * Int(number)
        guard time <= longest else { throw Setting.BadValue(text, expected: "at most \(self.text(of: longest))") }
        return time
    }

    /// A duration in the longest unit that divides it.
    static func text(of duration: Duration) -> String {
        for (name, length) in units {
            let number = duration / length
            if number >= 1, number == number.rounded() { return "\(Int(number))\(name)" }
        }
        return "\(Int(duration / .milliseconds(1)))ms"
    }

    static func count(_ text: String, _ range: ClosedRange<Int>) throws(Setting.BadValue) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Setting.BadValue(text, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `FIRST-LAST`: ports that need no privilege.
    static func ports(_ text: String) throws(Setting.BadValue) -> ClosedRange<UInt16> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1024, first < last else {
            throw Setting.BadValue(text, expected: "a range of ports from 1024 to 65535, such as 61000-65535")
        }
        return first...last
    }

    /// `a, b or c`.
    static func list(of words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
