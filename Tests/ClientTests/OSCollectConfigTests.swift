import Common
import Foundation
import JSON
import TestSupport
import Testing

/// The EC2 collector of OpenStack's os-collect-config in guests of one host: it walks the whole tree and knows no tokens.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("os-collect-config"), "needs os-collect-config: run Tests/clients/install-ec2-clients.sh"))
struct OSCollectConfigTests {
    @Test func `it collects the whole tree`() async throws {
        let (collected, log) = try await Self.collect(in: DescribedGuest.guest(hasRole: true))
        var expected = [
            "instance-id": DescribedGuest.instanceID,
            "instance-type": DescribedGuest.instanceType,
            "ami-id": DescribedGuest.imageID,
            "local-hostname": DescribedGuest.hostname,
            "local-ipv4": DescribedGuest.addresses[0],
            "mac": DescribedGuest.nics[0].mac,
            "security-groups": DescribedGuest.groups.joined(separator: "\n"),
            "placement/availability-zone": DescribedGuest.zone,
            "placement/region": DescribedGuest.region,
            "iam/security-credentials/\(DescribedGuest.role)": DescribedGuest.credentials,
        ]
        for (number, key) in DescribedGuest.keys.enumerated() { expected["public-keys/\(number)/openssh-key"] = key.value }
        for (name, value) in DescribedGuest.tags { expected["tags/instance/\(name)"] = value }
        for (number, nic) in DescribedGuest.nics.enumerated() {
            let card = "network/interfaces/macs/\(nic.mac)/"
            expected[card + "device-number"] = "\(number)"
            expected[card + "mac"] = nic.mac
            expected[card + "local-ipv4s"] = DescribedGuest.addresses[number]
            expected[card + "vpc-id"] = DescribedGuest.network
            expected[card + "subnet-id"] = DescribedGuest.subnets[number]
        }
        let leaves = Self.leaves(of: collected)
        for (path, value) in expected { #expect(leaves[path] == value, "\(path)") }
        #expect(leaves.values.allSatisfy { !$0.isEmpty })
        #expect(log == .array([]))
    }

    @Test func `of a domain of which the operator said nothing it collects what libvirt knows`() async throws {
        let (collected, log) = try await Self.collect(in: DescribedGuest.bare)
        let leaves = Self.leaves(of: collected)
        #expect(leaves["instance-id"] == DescribedGuest.bareID)
        #expect(leaves["local-ipv4"] == "192.168.122.11")
        #expect(leaves.keys.allSatisfy { !$0.hasPrefix("tags/") && !$0.hasPrefix("iam/") && !$0.hasPrefix("public-keys/") })
        #expect(log == .array([]))
    }

    @Test func `where tokens are required it is refused`() async throws {
        let (collected, log) = try await Self.collect(in: DescribedGuest.guest(tokens: .required))
        #expect(collected == .null)
        let reason = "401 Client Error: Unauthorized for url: http://169.254.169.254/latest/meta-data/"
        #expect(log == .array([.string(reason)]))
    }

    private static func collect(in guest: Guest) async throws -> (collected: JSONValue, log: JSONValue) {
        let host = try await ClientHost(asking: guest, running: [guest])
        let printed = try JSONParsing.value(of: try Clients.run([Clients.driver("os_collect_config_ec2.py")], in: host.guest))
        return (try #require(printed["collected"]), try #require(printed["log"]))
    }

    /// Each text of the tree by its path.
    private static func leaves(of tree: JSONValue) -> [String: String] {
        switch tree {
        case .string(let text): return ["": text]
        case .object(let members):
            var leaves: [String: String] = [:]
            for member in members {
                for (path, text) in Self.leaves(of: member.value) {
                    leaves[path.isEmpty ? member.name : "\(member.name)/\(path)"] = text
                }
            }
            return leaves
        default: return [:]
        }
    }
}
