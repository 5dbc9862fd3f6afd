import Common
import Guests
import Identity
import Interception
import Logging
import NIOCore
import VendorData

/// Parsers of the settings' texts, with an error for each invalid text.
enum Read {
    /// Hypervisors, at least one and each once.
    static func uris(_ values: [String]) throws(Setting.BadValue) -> [String] {
        guard !values.isEmpty else { throw Setting.BadValue(problem: "names no hypervisor; write one such as qemu:///system") }
        var known: Set<String> = []
        for text in values {
            guard text.contains(":") else {
                throw Setting.BadValue(problem: "'\(text)' is no URI; write one such as qemu:///system")
            }
            guard known.insert(text).inserted else { throw Setting.BadValue(problem: "names '\(text)' twice") }
        }
        return values
    }

    /// `ADDRESS:PORT`, an IPv6 address in brackets; names are not looked up.
    static func socketAddress(_ text: String) throws(Setting.BadValue) -> SocketAddress {
        let problem = "'\(text)' is no address with a port; write 127.0.0.1:8775 or [::1]:8775"
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port)
        else {
            throw Setting.BadValue(problem: problem)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw Setting.BadValue(problem: problem)
        }
        guard let address = try? SocketAddress(ipAddress: String(host), port: port) else {
            throw Setting.BadValue(problem: problem)
        }
        return address
    }

    /// Vendor data targets, each name once.
    static func vendorDataTargets(_ values: [String]) throws(Setting.BadValue) -> [VendorDataTarget] {
        var known: Set<String> = [VendorDataTarget.reservedName]
        var targets: [VendorDataTarget] = []
        for text in values {
            guard let target = VendorDataTarget(text) else {
                let problem = "'\(text)' is no target; write NAME@http://HOST:PORT/PATH, without a user or a password"
                throw Setting.BadValue(problem: problem)
            }
            guard known.insert(target.name).inserted else {
                let isReserved = target.name == VendorDataTarget.reservedName
                let owner = isReserved ? "the domains' own <vendordata> has" : "another target has"
                throw Setting.BadValue(problem: "\(owner) the name '\(target.name)'; give this one another")
            }
            targets.append(target)
        }
        return targets
    }

    static func mode(_ text: String) throws(Setting.BadValue) -> InterceptionMode {
        guard let mode = InterceptionMode(rawValue: text) else {
            let modes = InterceptionMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw Setting.BadValue(problem: "'\(text)' is none of \(modes)")
        }
        return mode
    }

    static func tokens(_ text: String) throws(Setting.BadValue) -> SessionPolicy.Tokens {
        guard let policy = SessionPolicy.Tokens(rawValue: text) else {
            throw Setting.BadValue(problem: "'\(text)' is neither 'optional' nor 'required'")
        }
        return policy
    }

    /// The name of a link, which the kernel limits to 15 bytes without a slash or white space.
    static func bridge(_ text: String) throws(Setting.BadValue) -> String {
        guard LinkName.isPossible(text), LinkName.isQuotable(text) else {
            throw Setting.BadValue(problem: "'\(text)' is no name of a bridge; write one such as virbr0")
        }
        return text
    }

    static func network(_ text: String) -> String { text }

    /// A name that a `Host` field may have, without a port.
    static func hostName(_ text: String) throws(Setting.BadValue) -> String {
        guard HostNames.isName(text) else {
            throw Setting.BadValue(problem: "'\(text)' is not a host name; write one such as metadata.example")
        }
        return text
    }

    static func absolutePath(_ text: String) throws(Setting.BadValue) -> String {
        guard text.hasPrefix("/"), !text.utf8.contains(0) else {
            throw Setting.BadValue(problem: "'\(text)' is no absolute path; write one such as /run/virt-metadata")
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
            throw Setting.BadValue(
                problem: "'\(text)' is not on loopback: guests and others could reach it; write one such as 127.0.0.1:9169")
        }
        return address
    }

    private static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { AddressRange($0) }

    static func range(_ text: String) throws(Setting.BadValue) -> AddressRange {
        guard let range = AddressRange(text) else {
            throw Setting.BadValue(problem: "'\(text)' is no range of addresses; write 127.0.0.1/32 or fd00::/8")
        }
        return range
    }

    static func yesOrNo(_ values: [String]) throws(Setting.BadValue) -> Bool {
        switch values.first?.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw Setting.BadValue(problem: "'\(values.joined(separator: ","))' is neither 'yes' nor 'no'")
        }
    }

    /// Longer durations are typing errors, and clocks need not count so far.
    private static let longest = Duration.seconds(366 * 86_400)

    /// A number with a unit: `250ms`, `10s`, `5m`, `2h`; without a unit, seconds.
    static func duration(_ text: String) throws(Setting.BadValue) -> Duration {
        try duration(text, upTo: longest, "a year")
    }

    /// A timeout of at most `longest`.
    static func duration(_ text: String, upTo longest: Duration, _ name: String) throws(Setting.BadValue) -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Duration] = [
            "ms": .milliseconds(1), "": .seconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600),
        ]
        guard let number = Int32(digits), number > 0, let unit = units[text.dropFirst(digits.count)] else {
            throw Setting.BadValue(problem: "'\(text)' is no time; write 250ms, 10s, 5m or 2h")
        }
        let time = unit * Int(number)
        guard time <= longest else { throw Setting.BadValue(problem: "'\(text)' is longer than \(name)") }
        return time
    }

    static func count(_ text: String, _ range: ClosedRange<Int>) throws(Setting.BadValue) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Setting.BadValue(problem: "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `FIRST-LAST`: ports that need no privilege.
    static func ports(_ text: String) throws(Setting.BadValue) -> ClosedRange<UInt16> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1024, first < last else {
            throw Setting.BadValue(problem: "'\(text)' is not a range of ports from 1024 to 65535; write one such as 61000-65535")
        }
        return first...last
    }

    static func logLevel(_ text: String) throws(Setting.BadValue) -> Logger.Level {
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw Setting.BadValue(problem: "'\(text)' is none of \(levels)")
        }
        return level
    }
}
