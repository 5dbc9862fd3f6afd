import Common
import Foundation
import JSON
import TestSupport
import Testing

/// Debian's `ohai`, by which Chef knows a machine, in guests of one host: it sends a token where it gets one, and reads all of the newest
/// version that it knows, every entry with its spelling in the listing.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("ohai"), "needs ohai: run Tests/clients/install-ec2-clients.sh"))
struct OhaiTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `all that the operator wrote is an attribute`(tokens: DescribedGuest.Tokens) async throws {
        let attributes = try await Self.attributes(of: DescribedGuest.guest(tokens: tokens, hasRole: true))
        var expected = [
            "instance_id": DescribedGuest.instanceID,
            "instance_type": DescribedGuest.instanceType,
            "ami_id": DescribedGuest.imageID,
            "hostname": DescribedGuest.hostname,
            "local_hostname": DescribedGuest.hostname,
            "public_hostname": DescribedGuest.hostname,
            "local_ipv4": DescribedGuest.addresses[0],
            "mac": DescribedGuest.nics[0].mac,
            "placement_availability_zone": DescribedGuest.zone,
            // Of the identity document.
            "availability_zone": DescribedGuest.zone,
            "region": DescribedGuest.region,
        ]
        for (number, key) in DescribedGuest.keys.enumerated() { expected["public_keys_\(number)_openssh_key"] = key.value }
        for (name, value) in expected {
            #expect(attributes[name] == .string(value), "\(name)")
        }
        #expect(attributes["security_groups"] == .array(DescribedGuest.groups.map(JSONValue.string)))
        #expect(Self.userData(attributes) == DescribedGuest.userData)
        // Of a role it keeps the name, and not the credentials.
        #expect(attributes["iam"]?["role_name"] == .string(DescribedGuest.role))
        for (number, nic) in DescribedGuest.nics.enumerated() {
            let card = attributes["network_interfaces_macs"]?[nic.mac]
            #expect(card?["device_number"] == .string("\(number)"))
            #expect(card?["local_ipv4s"] == .string(DescribedGuest.addresses[number]))
            #expect(card?["subnet_id"] == .string(DescribedGuest.subnets[number]))
            #expect(card?["vpc_id"] == .string(DescribedGuest.network))
        }
    }

    @Test func `a domain of which the operator said nothing has attributes too`() async throws {
        let attributes = try await Self.attributes(of: DescribedGuest.bare)
        #expect(attributes["instance_id"] == .string(DescribedGuest.bareID))
        #expect(attributes["local_hostname"] == .string(DescribedGuest.bare.name))
        #expect(attributes["local_ipv4"] == .string("192.168.122.11"))
        #expect(attributes["userdata"] == .null)
        #expect(attributes["public_keys_0_openssh_key"] == nil && attributes["iam"] == nil)
    }

    /// The user data. Those that are not ASCII it holds for binary, and has them in base64, in lines.
    private static func userData(_ attributes: JSONValue) -> String? {
        guard case .string(let text) = attributes["userdata"] else { return nil }
        return Data(base64Encoded: text, options: .ignoreUnknownCharacters).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func attributes(of guest: Guest) async throws -> JSONValue {
        let host = try await ClientHost(asking: guest, running: [guest])
        return try JSONParsing.value(of: try Clients.run([Clients.driver("ohai_ec2.sh")], in: host.guest))
    }
}
