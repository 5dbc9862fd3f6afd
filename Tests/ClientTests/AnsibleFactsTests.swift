import Common
import Foundation
import JSON
import TestSupport
import Testing

/// ansible's module `ec2_metadata_facts` in guests of one host, run as ansible runs it there: its arguments are its input.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("ansible"), "needs ansible: run Tests/clients/install-ec2-clients.sh"))
struct AnsibleFactsTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `all that the operator wrote is a fact`(tokens: DescribedGuest.Tokens) async throws {
        let guest = DescribedGuest.guest(tokens: tokens, hasRole: true)
        let (result, facts) = try await Self.facts(of: guest)
        var expected = [
            "instance_id": DescribedGuest.instanceID,
            "instance_type": DescribedGuest.instanceType,
            "ami_id": DescribedGuest.imageID,
            "hostname": DescribedGuest.hostname,
            "local_hostname": DescribedGuest.hostname,
            "local_ipv4": DescribedGuest.addresses[0],
            "mac": DescribedGuest.nics[0].mac,
            "security_groups": DescribedGuest.groups.joined(separator: ","),
            "placement_availability_zone": DescribedGuest.zone,
            "placement_region": DescribedGuest.region,
            "public_key": DescribedGuest.keys[0].value,
            "user_data": DescribedGuest.userData,
            "instance_identity_document_instanceid": DescribedGuest.instanceID,
            "instance_identity_document_region": DescribedGuest.region,
            "instance_identity_document_privateip": DescribedGuest.addresses[0],
            "iam_instance_profile_role": DescribedGuest.role,
            "iam_security_credentials_\(DescribedGuest.role)_accesskeyid": DescribedGuest.accessKey,
        ]
        for (name, value) in DescribedGuest.tags { expected["tags_instance_\(name)"] = value }
        for (number, nic) in DescribedGuest.nics.enumerated() {
            let card = "network_interfaces_macs_\(nic.mac.replacing(":", with: "_"))_"
            expected[card + "device_number"] = "\(number)"
            expected[card + "local_ipv4s"] = DescribedGuest.addresses[number]
            expected[card + "vpc_id"] = DescribedGuest.network
            expected[card + "subnet_id"] = DescribedGuest.subnets[number]
        }
        for (name, value) in expected {
            #expect(facts["ansible_ec2_" + name] == .string(value), "\(name)")
        }
        for signature in ["signature", "pkcs7", "rsa2048"] {
            let fact = facts["ansible_ec2_instance_identity_\(signature)"]
            #expect(fact != nil && fact != .string("None"), "\(signature)")
        }
        let tags = DescribedGuest.tags.keys.sorted().map(JSONValue.string)
        #expect(facts["ansible_ec2_instance_tags_keys"] == .array(tags))
        #expect(result["warnings"] == nil, "it warns before it tries again")
    }

    @Test func `a domain of which the operator said nothing has facts too`() async throws {
        let (result, facts) = try await Self.facts(of: DescribedGuest.bare)
        #expect(facts["ansible_ec2_instance_id"] == .string(DescribedGuest.bareID))
        #expect(facts["ansible_ec2_local_ipv4"] == .string("192.168.122.11"))
        #expect(facts["ansible_ec2_instance_tags_keys"] == .array([]))
        #expect(facts["ansible_ec2_public_key"] == .string("None"), "its value for a missing path")
        #expect(result["warnings"] == nil)
    }

    private static func facts(of guest: Guest) async throws -> (result: JSONValue, facts: JSONValue) {
        let host = try await ClientHost(asking: guest, running: [guest])
        let modules = ["ansible-core", "ansible"].map { Clients.installed($0 + "/usr/lib/python3/dist-packages") }
        let printed = try Clients.run(
            ["/usr/bin/python3", "-BS", "-m", "ansible_collections.amazon.aws.plugins.modules.ec2_metadata_facts"],
            in: host.guest, environment: ["PYTHONPATH=" + modules.joined(separator: ":")],
            input: #"{"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": "/tmp"}}"#)
        let result = try JSONParsing.value(of: printed)
        return (result, try #require(result["ansible_facts"], "\(printed)\n\(host.server.log)"))
    }
}
