import Common
import Probe
import YAML

/// A NoCloud seed over HTTP.
extension Rule {
    private static let seed = "cloud-init cloudinit/sources/DataSourceNoCloud.py; cloudinit/util.py: read_seeded"

    /// The entries of a file's mapping.
    private static func mapping(_ name: String, _ exam: Examination) throws(RuleEnd) -> [YAMLNode.Entry] {
        let text = try exam.text(of: exam.seed + name)
        do throws(ParseError) {
            guard let root = try YAMLDocument.root(of: Array(text.utf8)), case .mapping(let entries) = root.content else {
                throw ParseError(.malformed, problem: "expected a mapping")
            }
            return entries
        } catch {
            throw .fails("\(name): not YAML: \(error)")
        }
    }

    private static func value(_ name: String, of entries: [YAMLNode.Entry]) -> YAMLNode? {
        entries.first { $0.key.text == name }?.value
    }

    static let noCloudRules: [Rule] = [
        Rule(
            "nocloud-meta-data", .nocloud, .must, "meta-data is YAML with an instance-id",
            breaks: "cloud-init has no datasource", source: seed
        ) { exam throws(RuleEnd) in
            let identifier = value("instance-id", of: try mapping("meta-data", exam))?.text
            try expect(identifier?.isEmpty == false, "meta-data: no instance-id")
        },
        Rule(
            "nocloud-user-data", .nocloud, .must, "user-data is answered with 200, with an empty body if there is no user data",
            breaks: "cloud-init does not use a seed without user-data", source: seed
        ) { exam throws(RuleEnd) in
            let status = try exam.get(exam.seed + "user-data").status
            try expect(status == 200, "user-data: status \(status): expected 200, even if there is no user data")
        },
        Rule(
            "nocloud-vendor-data", .nocloud, .should,
            "vendor-data is answered with 200, with an empty body if there is no vendor data",
            breaks: "cloud-init repeats the request ten times, every 1 s", source: seed
        ) { exam throws(RuleEnd) in
            let status = try exam.get(exam.seed + "vendor-data").status
            try expect(status == 200, "vendor-data: status \(status): expected 200, even if there is no vendor data")
        },
        Rule(
            "nocloud-network-config", .nocloud, .must, "network-config is YAML with version 1 or 2, or empty, or 404",
            breaks: "cloud-init does not know the network configuration and configures no network",
            source: "cloud-init cloudinit/net/network_state.py: parse_net_config_data"
        ) { exam throws(RuleEnd) in
            let response = try exam.get(exam.seed + "network-config")
            if response.status == 404 || response.status == 200 && response.body.isEmpty { return }
            var entries = try mapping("network-config", exam)
            if let inner = value("network", of: entries), case .mapping(let nested) = inner.content { entries = nested }
            let version = value("version", of: entries)?.text
            try expect(["1", "2"].contains(version), "network-config: version: expected 1 or 2")
        },
    ]
}
