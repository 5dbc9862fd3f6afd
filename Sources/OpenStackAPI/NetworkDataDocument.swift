import Common

/// `network_data.json`: the links that the guest has and how each gets its addresses; `nil` when there is nothing to say.
///
/// A link is named by its number, not by its tap, whose name changes with every start. A link of a network that offers no DHCP
/// has no network here, so that the guest does not wait for an answer which nobody gives. A guest that reads a document without
/// any network configures none, so a document that would have none does not exist, and the guest falls back to DHCP.
func networkData(of instance: Instance) -> JSONValue? {
    let numbered = Array(instance.interfaces.enumerated())
    let asking = numbered.filter { $0.element.network?.offersDHCP ?? true }
    guard !asking.isEmpty else { return nil }
    return .object([
        JSONMember(
            "links",
            .array(
                numbered.map { number, interface in
                    .object([
                        JSONMember("id", .string("interface\(number)")),
                        JSONMember("type", .string("phy")),
                        JSONMember("mtu", interface.mtu.map { .integer(Int64($0)) } ?? .null),
                        JSONMember("ethernet_mac_address", .string(interface.mac.description)),
                    ])
                })),
        JSONMember(
            "networks",
            .array(
                asking.enumerated().map { count, link in
                    .object([
                        JSONMember("id", .string("network\(count)")),
                        JSONMember("type", .string("ipv4_dhcp")),
                        JSONMember("link", .string("interface\(link.offset)")),
                        JSONMember(
                            "network_id", .string(link.element.network?.uuid ?? link.element.bridge ?? "interface\(link.offset)")),
                    ])
                })),
        JSONMember("services", .array([])),
    ])
}
