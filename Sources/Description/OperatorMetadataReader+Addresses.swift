import Common
import XML

/// Reads the addresses of a link, and what leads to other links. An address that no guest can use costs itself.
extension OperatorMetadataReader {
    func readAddress(_ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata)
    {
        let text = element.trimmedText
        guard let address = InterfaceAddress(text) else {
            return reject(
                element, path: path,
                "invalid address '\(shown(text))': expected ADDRESS/PREFIX, e.g. 192.0.2.10/24 or 2001:db8::10/64", &metadata)
        }
        if let reason = address.reasonAgainstInterface {
            reject(element, path: path, "\(text) \(reason): no guest can use it", &metadata)
        } else if link.addresses.contains(where: { $0.address == address.address }) {
            reject(element, path: path, "duplicate address \(address.address); the first one is used", &metadata)
        } else {
            link.addresses.append(address)
        }
    }

    func readRoute(_ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata) {
        let destination = element.attribute("to").flatMap { AddressRange($0) }
        let gateway = element.attribute("via").flatMap { IPAddress($0) }
        let metric = element.attribute("metric")
        if let metric, RouteMetric.value(metric) == nil {
            return reject(
                element, path: path, "invalid metric '\(shown(metric))': expected \(RouteMetric.expectation)", &metadata)
        }
        guard let destination, let gateway, gateway.zone == nil,
            let route = Route(to: destination, by: gateway, metric: metric.flatMap(RouteMetric.value))
        else {
            return reject(
                element, path: path, "invalid route: expected e.g. <route to='198.51.100.0/24' via='192.0.2.1'/>", &metadata)
        }
        if let reason = gateway.reasonAgainstMachine {
            reject(element, path: path, "the gateway \(gateway) \(reason): no guest can use it", &metadata)
        } else if link.routes.contains(where: { $0.destination == route.destination && $0.metric == route.metric }) {
            reject(element, path: path, "duplicate route to \(route.destination); the first one is used", &metadata)
        } else {
            link.routes.append(route)
        }
    }

    func readNameServer(
        _ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata
    ) {
        guard let server = address(element, path: path, "address", &metadata) else { return }
        if let reason = server.reasonAgainstMachine, server.loopbackRemark == nil {
            reject(element, path: path, "\(server) \(reason): no name server has it", &metadata)
        } else if link.nameServers.contains(server) {
            reject(element, path: path, "duplicate name server \(server); the first one is used", &metadata)
        } else {
            if let remark = server.loopbackRemark { note(element, path: path, remark, &metadata) }
            link.nameServers.append(server)
        }
    }

    /// Adds notes on values that are served as written but may be mistakes.
    func review(_ link: LinkConfiguration, of element: XMLElement, _ metadata: inout OperatorMetadata) {
        let note = { (problem: String, metadata: inout OperatorMetadata) in
            self.note(element, path: "interfaces/", problem, &metadata)
        }
        for address in link.addresses {
            if address.prefixLength == nil {
                note("\(address.address) has no prefix length: it is shown to the guest, but not configured", &metadata)
            } else if let reason = address.reasonAgainstMember(address.address) {
                note("the address \(address.address) \(reason)", &metadata)
            }
        }
        let subnets = link.addresses.compactMap(\.subnet)
        let routers =
            link.gateways.map { ("the gateway \($0)", $0) }
            + link.routes.filter { route in subnets.contains { $0.address.family == route.gateway.family } }
            .map { ("the gateway \($0.gateway) of the route to \($0.destination)", $0.gateway) }
        for (name, router) in routers where !router.isLinkLocal {
            guard subnets.contains(where: { $0.contains(router) }) else {
                note("\(name) is in no subnet of the interface's addresses", &metadata)
                continue
            }
            if let reason = link.addresses.lazy.compactMap({ $0.reasonAgainstMember(router) }).first {
                note("\(name) \(reason): guests refuse it", &metadata)
            }
        }
        reviewMethods(link, element, &metadata)
    }

    /// What says how a link without addresses gets some, beside addresses.
    private func reviewMethods(_ link: LinkConfiguration, _ element: XMLElement, _ metadata: inout OperatorMetadata) {
        let isStatic = { (family: IPAddress.Family) in
            link.addresses.contains { $0.address.family == family && $0.prefixLength != nil }
        }
        if let method = link.ipv4, isStatic(.v4) {
            note(
                element, path: "interfaces/",
                "<ipv4>\(method.rawValue)</ipv4> has no effect: the interface has IPv4 addresses of its own", &metadata)
        }
        if link.ipv6 == LinkConfiguration.IPv6Method.none, isStatic(.v6) {
            note(
                element, path: "interfaces/",
                "<ipv6>none</ipv6> does not remove the interface's IPv6 addresses: the guest ignores router advertisements",
                &metadata)
        }
        if link.searchDomains.count > 6 {
            note(
                element, path: "interfaces/", "more than 6 search domains: cloud-init fails on them in RHEL and others", &metadata
            )
        }
        let asks6 = link.ipv6 != nil && link.ipv6 != LinkConfiguration.IPv6Method.none
        if let mtu = link.mtu, mtu < 1280, isStatic(.v6) || asks6 {
            note(
                element, path: "interfaces/", "an MTU of \(mtu) leaves no IPv6 on the interface: it needs 1280 (RFC 8200)",
                &metadata)
        }
    }
}

extension IPAddress {
    /// A note on a name server that is the guest itself; `nil` for others.
    var loopbackRemark: String? {
        guard let reason = reasonAgainstMachine, reason.contains("loopback") else { return nil }
        return "the name server \(self) \(reason): the guest asks itself"
    }
}

/// The metrics of routes.
enum RouteMetric {
    /// The largest metric: netplan writes larger ones as negative numbers, and none for the largest of 32 bits.
    static let most = Int(Int32.max)
    static let expectation = "an integer from 0 to \(most)"

    static func value(_ text: String) -> Int? { Int(text).flatMap { (0...most).contains($0) ? $0 : nil } }
}
