import Common
import XML

/// The operator's own network configuration, not yet compared with the domain.
struct NetworkConfigElement: Sendable {
    /// The line of the element.
    let line: Int
    /// Never empty.
    let bytes: [UInt8]
    /// The line of the XML that has the first line of the configuration; `nil` for base64.
    let firstLine: Int?

    /// - Parameter line: in the configuration, from 1.
    func finding(_ weight: Finding.Weight, at line: Int, _ problem: String) -> Finding {
        guard let firstLine else {
            return Finding(weight, line: self.line, element: Self.name, "line \(line) of the configuration: \(problem)")
        }
        return Finding(weight, line: firstLine + line - 1, element: Self.name, problem)
    }

    static let name = "network-config"
}

extension OperatorMetadataReader {
    func readNetworkConfiguration(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard !isShared else {
            return reject(element, "describes one domain's interfaces: write it into the domain's <instance>", &metadata)
        }
        guard let bytes = bytes(element, &metadata) else { return }
        let isText = element.attribute("encoding") == nil
        // The text block has lost its first line, which is empty.
        let isBlock = isText && textBlock(element.text) != element.text
        metadata.networkConfiguration = NetworkConfigElement(
            line: element.line, bytes: bytes, firstLine: isText ? element.line + (isBlock ? 1 : 0) : nil)
    }
}
