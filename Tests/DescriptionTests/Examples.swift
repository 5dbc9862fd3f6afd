import Common
import Description
import Testing

/// A domain's XML with these elements of the operator's, and these devices; an interface is there anyway.
func domain(
    _ elements: String = "", devices: String = "",
    head: String = "<name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>"
) -> [UInt8] {
    Array(
        """
        <domain type='test'>\(head)\
        <metadata><instance xmlns='urn:virt-metadata:instance:1'>\(elements)</instance></metadata>\
        <devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>\(devices)</devices></domain>
        """.utf8)
}

/// The instance of a domain with elements of the operator's alone.
func assembled(_ elements: String = "", devices: String = "") throws -> InstanceAssembly.Assembled {
    try InstanceAssembly(readsBare: false).assemble(domain(elements, devices: devices))
}

/// The findings about elements of the operator's, without the line, which is 1.
func findings(_ elements: String, devices: String = "") throws -> [String] {
    try assembled(elements, devices: devices).findings.map { finding in
        #expect(finding.line == 1)
        return "\(finding.element): \(finding.weight == .note ? "note: " : "")\(finding.problem)"
    }
}
