import Common
import FoundationEssentials
import YAML

/// The static values of a configuration file of amazon-ec2-metadata-mock, in its JSON (https://github.com/aws/amazon-ec2-metadata-mock,
/// `docs/configuration.md`).
///
/// Its events and its server's settings are not taken over: scenarios and options have them.
package struct MockConfiguration: Sendable {
    /// The path of each value, and its bytes; in the order of the file.
    package private(set) var values: [(path: EmulatedPath, bytes: [UInt8])] = []
    /// The members that are not taken over, which a user has to be told.
    package private(set) var ignored: [String] = []

    /// The directories of which the mock has other entries: an instance has one role, and the interfaces of one description.
    package var directories: [EmulatedPath] {
        Self.singular.compactMap { try? EmulatedPath($0) }.filter { directory in
            values.contains { $0.path.names.starts(with: directory.names) && $0.path.tree == directory.tree }
        }
    }

    private static let singular = ["meta-data/iam/security-credentials", "meta-data/network/interfaces/macs"]

    /// The sections with values.
    private static let sections = ["metadata", "dynamic", "userdata"]
    /// What else a file may have.
    private static let others = [
        "config-file", "mock-delay-sec", "mock-trigger-time", "mock-ip-count", "save-config-to-file", "watch-config-file",
        "server",
        "imdsv2", "rebalance-delay-sec", "rebalance-trigger-time", "asg-termination-delay-sec", "asg-termination-trigger-time",
        "spot",
        "events",
    ]

    /// Reads a file.
    ///
    /// - Throws: every error that was found, with its line.
    package init(_ bytes: [UInt8], source: String) throws(ScenarioProblems) {
        var reading = ScenarioReading(source: source, names: ScenarioNames(instances: []))
        if let root = reading.root(of: bytes, expected: "a configuration of amazon-ec2-metadata-mock") { read(root, &reading) }
        try reading.finish()
    }

    private mutating func read(_ root: YAMLNode, _ reading: inout ScenarioReading) {
        let members = reading.members(of: root, "configuration", known: Self.sections + Self.others)
        ignored = Self.others.filter { members[$0] != nil }
        for section in Self.sections {
            guard let node = members[section] else { continue }
            let parts = reading.members(of: node, section, known: ["paths", "values"])
            let mac = Self.entries(parts["values"]).first { $0.key.text == "mac" }?.value.text ?? Self.initialMAC
            let paths = paths(parts["paths"], section, mac, &reading)
            for entry in Self.entries(parts["values"]) { read(entry, section, paths, &reading) }
        }
    }

    private static func entries(_ node: YAMLNode?) -> [YAMLNode.Entry] {
        if case .mapping(let entries) = node?.content { entries } else { [] }
    }

    /// The path of each name: the file's, or the program's own.
    private func paths(
        _ node: YAMLNode?, _ section: String, _ mac: String, _ reading: inout ScenarioReading
    ) -> [String: String] {
        var paths = (Self.initialPaths[section] ?? [:]).mapValues { $0.replacing("MAC", with: mac) }
        for entry in Self.entries(node) {
            guard let name = entry.key.text, let path = reading.text(entry.value, "\(section): paths: \(name)", "a path") else {
                continue
            }
            // A value of the program has one version.
            paths[name] = path.hasPrefix("/latest/") ? String(path.dropFirst("/latest/".count)) : path
        }
        return paths
    }

    private mutating func read(
        _ entry: YAMLNode.Entry, _ section: String, _ paths: [String: String], _ reading: inout ScenarioReading
    ) {
        guard let name = entry.key.text else { return }
        // Used in a document of an event, and no path of its own.
        if name == "event-id" { return ignored.append("\(section).values.event-id") }
        if Self.listings.contains(name) { return }
        let location = "\(section): values: \(name)"
        guard let text = paths[name] else {
            return reading.report(
                "\(location): no path for this name: add it to 'paths', or use a name that has a path by default", entry.key.line)
        }
        guard let value = reading.value(entry.value, location) else { return }
        do throws(EmulatorError) {
            let path = try EmulatedPath(text)
            guard section == "userdata" else { return values.append((path, value.bytes(at: 0))) }
            guard let data = Data(base64Encoded: entry.value.text ?? "").map(Array.init) else {
                return reading.report("\(location): expected base64", entry.value.line)
            }
            values.append((path, data))
        } catch {
            reading.report("\(location): \(error)", entry.key.line)
        }
    }

    private static let initialMAC = "0e:49:61:0f:c3:11"

    /// The names whose paths are not the names themselves.
    private static let initialPaths: [String: [String: String]] = [
        "metadata": metadataPaths.merging(plainNames.map { ($0, "meta-data/\($0)") }) { $1 }
            .merging(interfaceNames.map { ("mac-\($0)", "meta-data/network/interfaces/macs/MAC/\($0)") }) { first, _ in first }
            .merging(placementNames.map { ("placement-\($0)", "meta-data/placement/\($0)") }) { $1 },
        "dynamic": [
            "instance-identity-document": "dynamic/instance-identity/document",
            "instance-identity-pkcs": "dynamic/instance-identity/pkcs7",
            "instance-identity-signature": "dynamic/instance-identity/signature",
            "fws-instance-monitoring": "dynamic/fws/instance-monitoring",
        ],
        "userdata": ["userdata": "user-data"],
    ]
    /// Values that are lists of what is below their paths, which the emulator lists by itself.
    private static let listings: Set = ["iam-security-credentials-role", "elastic-inference-associations"]
    private static let metadataPaths = [
        "block-device-mapping-ami": "meta-data/block-device-mapping/ami",
        "block-device-mapping-ebs": "meta-data/block-device-mapping/ebs0",
        "block-device-mapping-ephemeral": "meta-data/block-device-mapping/ephemeral0",
        "block-device-mapping-root": "meta-data/block-device-mapping/root",
        "block-device-mapping-swap": "meta-data/block-device-mapping/swap",
        "elastic-inference-accelerator": "meta-data/elastic-inference/associations/eia-bfa21c7904f64a82a21b9f4540169ce1",
        "iam-info": "meta-data/iam/info", "iam-security-credentials": "meta-data/iam/security-credentials/baskinc-role",
        "mac-ipv4-associations": "meta-data/network/interfaces/macs/MAC/ipv4-associations/192.0.2.54",
        "mac-ipv6-associations": "meta-data/network/interfaces/macs/MAC/ipv6s",
        "mac-network-interface-id": "meta-data/network/interfaces/macs/MAC/interface-id",
        "mac-network-interface-card-index": "meta-data/network/interfaces/macs/MAC/network-card-index",
        "public-key": "meta-data/public-keys/0/openssh-key", "services-domain": "meta-data/services/domain",
        "services-partition": "meta-data/services/partition", "tags-instance-name": "meta-data/tags/instance/Name",
        "tags-instance-test": "meta-data/tags/instance/Test",
    ]
    private static let plainNames = [
        "ami-id", "ami-launch-index", "ami-manifest-path", "hostname", "instance-action", "instance-id", "instance-life-cycle",
        "instance-type", "kernel-id", "local-hostname", "local-ipv4", "mac", "product-codes", "public-hostname", "public-ipv4",
        "ramdisk-id", "reservation-id", "security-groups",
    ]
    private static let interfaceNames = [
        "device-number", "local-hostname", "local-ipv4s", "mac", "owner-id", "public-hostname", "public-ipv4s",
        "security-group-ids",
        "security-groups", "subnet-id", "subnet-ipv4-cidr-block", "subnet-ipv6-cidr-blocks", "vpc-id", "vpc-ipv4-cidr-block",
        "vpc-ipv4-cidr-blocks", "vpc-ipv6-cidr-blocks",
    ]
    private static let placementNames = [
        "availability-zone", "availability-zone-id", "group-name", "host-id", "partition-number", "region",
    ]
}
