import Common
import XML

/// Reads what the operator says of a link besides its addresses.
extension OperatorMetadataReader {
    func readGateway(_ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata)
    {
        guard let gateway = address(element, path: path, "address", &metadata) else { return }
        if let reason = gateway.reasonAgainstMachine {
            return reject(element, path: path, "\(gateway) \(reason): no guest can use it", &metadata)
        }
        guard !link.gateways.contains(where: { $0.family == gateway.family }) else {
            return reject(element, path: path, "duplicate gateway for this address family; the first one is used", &metadata)
        }
        link.gateways.append(gateway)
        guard let text = element.attribute("metric") else { return }
        if let metric = RouteMetric.value(text) {
            link.gatewayMetrics[gateway.family] = metric
        } else {
            reject(element, path: path, "invalid metric '\(shown(text))': expected \(RouteMetric.expectation)", &metadata)
        }
    }

    func readSearchDomain(
        _ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata
    ) {
        // glibc reads any number since 2.26, at most six before.
        guard let name = hostname(element, path: path, &metadata) else { return }
        guard !link.searchDomains.contains(name) else {
            return reject(element, path: path, "duplicate domain '\(shown(name))'; the first one is used", &metadata)
        }
        link.searchDomains.append(name)
    }

    func readOptional(
        _ element: XMLElement, path: String, into link: inout LinkConfiguration, _ metadata: inout OperatorMetadata
    ) {
        link.isOptional = DHCPOverride.boolean(element.trimmedText)
        if link.isOptional == nil {
            reject(element, path: path, "invalid value '\(shown(element.trimmedText))': expected yes or no", &metadata)
        }
    }

    /// The members of `<dhcp4-overrides>` or `<dhcp6-overrides>`, in the order of their names.
    func overrides(_ element: XMLElement, path: String, _ metadata: inout OperatorMetadata) -> [JSONMember] {
        let known = DHCPOverride.attributes.sorted()
        var members: [JSONMember] = []
        for name in element.attributes.sorted() {
            let text = element.attribute(name) ?? ""
            do throws(DHCPOverride.Failure) {
                if let member = try DHCPOverride.member(name, text) { members.append(member) }
            } catch {
                reject(
                    element, path: path, "invalid value '\(shown(text))' for \(name): expected \(error.expectation)", &metadata)
            }
        }
        if element.attributes.isEmpty {
            reject(element, path: path, "has no attribute: expected one of \(known.joined(separator: ", "))", &metadata)
        }
        return members
    }
}
