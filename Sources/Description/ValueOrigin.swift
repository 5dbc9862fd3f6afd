/// Where a value of an instance comes from.
package enum ValueOrigin: Sendable, Equatable {
    /// The instance element of the domain's XML.
    case element(line: Int)
    /// A profile of the configuration file.
    case profile(String, file: String?, line: Int)
    /// The defaults for the network or bridge of an interface.
    case network(String, file: String?, line: Int)
    /// The defaults for all instances.
    case defaults(file: String?, line: Int)
    /// A setting of the server.
    case setting(String)
    /// The domain's or a network's XML, or a lease; with the element.
    case libvirt(String)
    /// Computed from other values; with the rule.
    case derived(String)

    /// The kind, for programs.
    package var kind: String {
        switch self {
        case .element: "element"
        case .profile: "profile"
        case .network: "network"
        case .defaults: "defaults"
        case .setting: "setting"
        case .libvirt: "libvirt"
        case .derived: "derived"
        }
    }

    /// The profile, network, setting, element or rule.
    package var detail: String? {
        switch self {
        case .element, .defaults: nil
        case .profile(let name, _, _), .network(let name, _, _), .setting(let name), .libvirt(let name), .derived(let name): name
        }
    }

    /// The configuration file; `nil` for a value of the domain's XML or without a location.
    package var file: String? {
        switch self {
        case .profile(_, let file, _), .network(_, let file, _), .defaults(let file, _): file
        case .element, .setting, .libvirt, .derived: nil
        }
    }

    package var line: Int? {
        switch self {
        case .element(let line), .profile(_, _, let line), .network(_, _, let line), .defaults(_, let line): line
        case .setting, .libvirt, .derived: nil
        }
    }
}

extension ValueOrigin: CustomStringConvertible {
    /// In words: `profile web (config.yaml:12)`.
    package var description: String {
        let words = [kind, detail].compactMap(\.self).joined(separator: kind == "libvirt" || kind == "derived" ? ": " : " ")
        guard let line else { return words }
        return file.map { "\(words) (\($0):\(line))" } ?? "\(words) (line \(line))"
    }
}
