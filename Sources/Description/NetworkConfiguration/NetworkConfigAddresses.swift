import Common
import YAML

/// Notes on addresses of a network configuration that no guest can use, and on those that contradict others.
struct NetworkConfigAddresses {
    let links: [NetworkConfigLink]

    private typealias Remarks = NetworkConfigRemarks

    func check(_ remarks: inout NetworkConfigRemarks) {
        var owners: [IPAddress: String] = [:]
        for link in links {
            checkAddresses(of: link, &owners, &remarks)
            checkRouters(of: link, &remarks)
            checkNameServers(of: link, &remarks)
            checkMTU(of: link, &remarks)
        }
    }

    private func checkAddresses(of link: NetworkConfigLink, _ owners: inout [IPAddress: String], _ remarks: inout Remarks) {
        let path = "\(link.path)/addresses"
        for node in link.list("addresses") {
            guard let address = node.address else { continue }
            if let reason = address.reasonAgainstInterface {
                remarks.note(node, path, "\(address.address) \(reason): no guest can use it")
            } else if let reason = address.reasonAgainstMember(address.address) {
                remarks.note(node, path, "\(address.address) \(reason)")
            } else if let other = owners.updateValue(link.path, forKey: address.address) {
                remarks.note(node, path, "duplicate address \(address.address), also of \(other)")
            }
        }
    }

    private func checkRouters(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        let addresses = link.list("addresses").compactMap(\.address)
        let own = Set(addresses.map(\.address))
        var routers = ["gateway4", "gateway6"].compactMap { key in
            link.value(key).flatMap { node in node.text.flatMap { IPAddress($0) }.map { (node, key, $0, true, Int?.none) } }
        }
        routers += link.list("routes").compactMap { node in
            let route = NetworkConfigRoute(node)
            guard let via = route.via, route.value("table") == nil else { return nil }
            return (node, "routes", via, route.destination?.prefixLength == 0, route.metric)
        }
        var defaults: [IPAddress.Family: Set<Int?>] = [:]
        for (node, key, router, isDefault, metric) in routers {
            let path = "\(link.path)/\(key)"
            if let reason = router.reasonAgainstMachine {
                remarks.note(node, path, "the gateway \(router) \(reason): no guest can use it")
            } else if own.contains(router) {
                remarks.note(node, path, "the gateway \(router) is the link's own address: guests refuse the route")
            } else if let reason = addresses.lazy.compactMap({ $0.reasonAgainstMember(router) }).first {
                remarks.note(node, path, "the gateway \(router) \(reason): guests refuse the route")
            }
            if isDefault, !defaults[router.family, default: []].insert(metric).inserted {
                remarks.note(node, path, "a second default route with the same metric: guests refuse it, or choose one")
            }
        }
    }

    private func checkNameServers(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        for node in link.value("nameservers", "addresses")?.elements ?? [] {
            guard let server = node.text.flatMap({ IPAddress($0) }), let reason = server.reasonAgainstMachine else { continue }
            remarks.note(
                node, "\(link.path)/nameservers/addresses", server.loopbackRemark ?? "\(server) \(reason): no name server has it")
        }
    }

    /// A link needs 68 bytes for IPv4 (RFC 791), and 1280 for IPv6 (RFC 8200).
    private func checkMTU(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        guard let node = link.value("mtu"), let mtu = node.integer else { return }
        let path = "\(link.path)/mtu"
        if NetworkReader.usableMTU(mtu) == nil {
            remarks.note(node, path, "\(mtu) is not an MTU of an Ethernet link: expected an integer from 68 to 65535")
        } else if mtu < 1280,
            link.boolean("dhcp6") == true || link.list("addresses").contains(where: { $0.address?.address.family == .v6 })
        {
            remarks.note(node, path, "an MTU of \(mtu) leaves no IPv6 on the link: it needs 1280 (RFC 8200)")
        }
    }
}
