import Common
import XML

/// The attributes of `<dhcp4-overrides>` and `<dhcp6-overrides>`: the keys of cloud-init's network configuration of version 2.
enum DHCPOverride {
    private enum Form {
        case boolean
        /// Whether the domain of a DHCP answer is searched, or only decides which server is asked.
        case domains
        case metric
        case hostname
    }

    private static let forms: [String: Form] = [
        "hostname": .hostname, "route-metric": .metric, "send-hostname": .boolean, "use-dns": .boolean, "use-domains": .domains,
        "use-hostname": .boolean, "use-mtu": .boolean, "use-ntp": .boolean, "use-routes": .boolean,
    ]

    static let attributes: Set<String> = Set(forms.keys)

    /// A value that cannot be used: what was expected.
    struct Failure: Error {
        let expectation: String
    }

    /// The member of the configuration; `nil` for an unknown attribute.
    static func member(_ name: String, _ text: String) throws(Failure) -> JSONMember? {
        guard let form = forms[name] else { return nil }
        switch form {
        case .boolean:
            guard let value = boolean(text) else { throw Failure(expectation: "yes or no") }
            return JSONMember(name, .bool(value))
        case .domains:
            // A text, because cloud-init's schema rejects a boolean.
            guard text == "route" || boolean(text) != nil else { throw Failure(expectation: "yes, no or route") }
            return JSONMember(name, .string(boolean(text).map { $0 ? "true" : "false" } ?? text))
        case .metric:
            guard let metric = RouteMetric.value(text) else { throw Failure(expectation: RouteMetric.expectation) }
            return JSONMember(name, .integer(Int64(metric)))
        case .hostname:
            guard Hostname.isValid(text) else { throw Failure(expectation: "a valid hostname") }
            return JSONMember(name, .string(text))
        }
    }

    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "yes", "true": true
        case "no", "false": false
        default: nil
        }
    }
}
