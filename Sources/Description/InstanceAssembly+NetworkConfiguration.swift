import Common

/// The operator's own network configuration.
extension InstanceAssembly {
    /// Checks the configuration; `nil`, and findings that say why, if there is none that guests can be given.
    ///
    /// Its static addresses are those of the interfaces, unless the operator's other elements give them some.
    static func passedConfiguration(
        on interfaces: inout [NetworkInterface], _ metadata: inout OperatorMetadata
    ) -> PassedNetworkConfiguration? {
        guard let element = metadata.networkConfiguration else { return nil }
        let document = NetworkConfigDocument(element.bytes, interfaces: interfaces.map(\.mac))
        guard document.isUsable else {
            add(document.remarks, of: element, &metadata)
            let instead = "it is not served: guests get the network configuration of the other elements and of libvirt instead"
            metadata.findings.append(Finding(.unusable, line: element.line, element: NetworkConfigElement.name, instead))
            return nil
        }
        var conversion = NetworkConfigConversion(of: document, on: interfaces)
        let links = conversion.links()
        add(conversion.remarks, of: element, &metadata)
        for link in links {
            guard case .interface = link.kind, let index = interfaces.firstIndex(where: { $0.mac == link.mac }),
                interfaces[index].addresses.isEmpty
            else { continue }
            interfaces[index].addresses = link.networks.compactMap {
                if case .configured(let address) = $0.kind { address } else { nil }
            }
        }
        return PassedNetworkConfiguration(bytes: element.bytes, links: links)
    }

    private static func add(
        _ remarks: NetworkConfigRemarks, of element: NetworkConfigElement, _ metadata: inout OperatorMetadata
    ) {
        for remark in remarks.all + [remarks.omission].compactMap(\.self) {
            metadata.findings.append(element.finding(remark.weight, at: remark.line, remark.description))
        }
    }

    /// Notes on the operator's other elements for the network, which no network document contains then.
    static func replacedValues(_ metadata: OperatorMetadata) -> [Finding] {
        let note = { (line: Int, element: String) in
            Finding(.note, line: line, element: element, "guests read network-config instead of this configuration of the link")
        }
        let interfaces = metadata.interfaces.values.filter { $0.configuration != LinkConfiguration() }
        return interfaces.sorted { $0.line < $1.line }.map { note($0.line, "interfaces/interface") }
            + metadata.virtualLinks.map { note($0.line, $0.element) }
    }
}
