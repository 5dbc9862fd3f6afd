import Foundation
import TestSupport
import Testing

/// Amazon's own script `ec2-metadata` in guests of one host: it always asks for a token, by a PUT without a length, and reads the latest version.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("amazon-ec2-utils"), "needs ec2-metadata: run Tests/clients/install-ec2-clients.sh"))
struct AmazonEC2UtilsTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `it prints all that the operator wrote`(tokens: DescribedGuest.Tokens) async throws {
        let printed = try await Self.ask(DescribedGuest.guest(tokens: tokens))
        #expect(printed == Self.everything)
    }

    @Test func `of a domain of which the operator said nothing it prints what libvirt knows`() async throws {
        let lines = try await Self.ask(DescribedGuest.bare).split(separator: "\n").map(String.init)
        let expected = [
            "instance-id: \(DescribedGuest.bareID)", "local-hostname: \(DescribedGuest.bare.name)", "local-ipv4: 192.168.122.11",
            "placement: not available", "user-data: not available",
        ]
        #expect(expected.allSatisfy(lines.contains), "\(lines)")
        // Of lists it says so in a line of its own.
        for name in ["public-keys: ", "tags: "] {
            let next = lines.drop { $0 != name }.dropFirst().first
            #expect(next == "not available", "\(name)")
        }
    }

    private static let everything = """
        ami-id: \(DescribedGuest.imageID)
        ami-launch-index: 0
        ami-manifest-path: not available
        ancestor-ami-ids: not available
        block-device-mapping: 
        \t ami: vda
        \t root: /dev/vda
        instance-id: \(DescribedGuest.instanceID)
        instance-type: \(DescribedGuest.instanceType)
        local-hostname: \(DescribedGuest.hostname)
        local-ipv4: \(DescribedGuest.addresses[0])
        kernel-id: not available
        placement: \(DescribedGuest.zone)
        product-codes: not available
        public-hostname: \(DescribedGuest.hostname)
        public-ipv4: \(DescribedGuest.addresses[0])
        public-keys: 
        \(DescribedGuest.keys.enumerated().map { number, key in
            "keyname:\(key.key)\nindex:\(number)\nformat:openssh-key\nkey:(begins from next line)\n\(key.value)\n"
        }.joined())ramdisk-id: not available
        reservation-id: not available
        security-groups: \(DescribedGuest.groups.joined(separator: "\n"))
        user-data: \(DescribedGuest.userData)
        tags: 
        \(DescribedGuest.tags.sorted { $0.key < $1.key }.map { "\t \($0.key): \($0.value)\n" }.joined())
        """

    private static func ask(_ guest: Guest) async throws -> String {
        let host = try await ClientHost(asking: guest, running: [guest])
        return try Clients.run([Clients.installed("amazon-ec2-utils/usr/bin/ec2-metadata")], in: host.guest)
    }
}
