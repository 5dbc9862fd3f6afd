import Foundation
import TestSupport
import Testing

/// Debian's `ec2metadata` in guests of one host: it always asks for a token, and reads the oldest version.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("cloud-guest-utils"), "needs ec2metadata: run Tests/clients/install-ec2-clients.sh"))
struct EC2MetadataTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `it prints all that the operator wrote`(tokens: DescribedGuest.Tokens) async throws {
        let guest = DescribedGuest.guest(tokens: tokens)
        let host = try await ClientHost(asking: guest, running: [guest])
        let lines = try Self.ask(host).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // The user data stands there as Python writes bytes; what they are, the option for it shows.
        #expect(lines.filter { !$0.hasPrefix("user-data: ") } == Self.everything)
        #expect(lines.contains { $0.hasPrefix("user-data: b'#cloud-config") || $0.hasPrefix("user-data: b\"#cloud-config") })
    }

    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `each option prints one thing`(tokens: DescribedGuest.Tokens) async throws {
        let guest = DescribedGuest.guest(tokens: tokens)
        let host = try await ClientHost(asking: guest, running: [guest])
        #expect(try Self.ask(host, "--instance-id") == DescribedGuest.instanceID + "\n")
        #expect(try Self.ask(host, "--instance-type") == DescribedGuest.instanceType + "\n")
        #expect(try Self.ask(host, "--local-hostname") == DescribedGuest.hostname + "\n")
        #expect(try Self.ask(host, "--local-ipv4") == DescribedGuest.addresses[0] + "\n")
        #expect(try Self.ask(host, "--availability-zone") == DescribedGuest.zone + "\n")
        #expect(try Self.ask(host, "--security-groups") == DescribedGuest.groups.joined(separator: "\n") + "\n")
        #expect(try Self.ask(host, "--public-keys") == Self.publicKeys + "\n")
        #expect(try Self.ask(host, "--user-data") == DescribedGuest.userData)
        #expect(try Self.ask(host, "--kernel-id") == "unavailable\n")
    }

    @Test func `what is younger than its version it finds in the latest`() async throws {
        let guest = DescribedGuest.guest()
        let host = try await ClientHost(asking: guest, running: [guest])
        let latest = ["--url", "http://169.254.169.254/latest"]
        #expect(try Self.ask(host, latest + ["--region"]) == DescribedGuest.region + "\n")
        #expect(try Self.ask(host, latest + ["--mac"]) == DescribedGuest.nics[0].mac + "\n")
    }

    @Test func `of a domain of which the operator said nothing it prints what libvirt knows`() async throws {
        let host = try await ClientHost(asking: DescribedGuest.bare, running: [DescribedGuest.bare])
        #expect(try Self.ask(host, "--instance-id") == DescribedGuest.bareID + "\n")
        #expect(try Self.ask(host, "--local-ipv4") == "192.168.122.11\n")
        for option in ["--public-keys", "--availability-zone"] {
            #expect(try Self.ask(host, option) == "unavailable\n")
        }
        #expect(try Self.ask(host, "--user-data") == "unavailable", "no newline: it writes the bytes of a file")
        #expect(try Self.ask(host).contains("\npublic-keys: unavailable\n"))
    }

    /// The public keys, as it prints them.
    private static let publicKeys = "[" + DescribedGuest.keys.map { "'\($0.value)'" }.joined(separator: ", ") + "]"

    /// All that it prints without an option, but the user data.
    private static var everything: [String] {
        let text = """
            ami-id: \(DescribedGuest.imageID)
            ami-launch-index: 0
            ami-manifest-path: unavailable
            ancestor-ami-ids: unavailable
            availability-zone: \(DescribedGuest.zone)
            block-device-mapping: ami
            root
            instance-action: none
            instance-id: \(DescribedGuest.instanceID)
            instance-type: \(DescribedGuest.instanceType)
            local-hostname: \(DescribedGuest.hostname)
            local-ipv4: \(DescribedGuest.addresses[0])
            kernel-id: unavailable
            mac: unavailable
            profile: unavailable
            product-codes: unavailable
            public-hostname: \(DescribedGuest.hostname)
            public-ipv4: \(DescribedGuest.addresses[0])
            public-keys: \(publicKeys)
            ramdisk-id: unavailable
            reservation-id: unavailable
            security-groups: \(DescribedGuest.groups.joined(separator: "\n"))
            availability-zone-id: unavailable
            region: unavailable
            host-id: unavailable
            group-name: unavailable
            partition-number: unavailable

            """
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func ask(_ host: ClientHost, _ options: String...) throws -> String { try ask(host, options) }

    private static func ask(_ host: ClientHost, _ options: [String]) throws -> String {
        let program = Clients.installed("cloud-guest-utils/usr/bin/ec2metadata")
        return try Clients.run(["/usr/bin/python3", "-BS", program] + options, in: host.guest)
    }
}
