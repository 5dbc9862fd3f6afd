import Foundation
import TestSupport
import Testing

/// Debian's own cloud-init in guests with Amazon's SMBIOS identity: it requests a token, and needs the whole EC2 tree.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: CloudInit.isUnpacked, "needs Debian's cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitOnAmazonTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `with a token it finds all that the operator wrote`(tokens: DescribedGuest.Tokens) async throws {
        let guest = DescribedGuest.guest(tokens: tokens)
        let host = try await ClientHost(asking: guest, running: [guest])
        let seen = try CloudInit.run(.ec2, in: host.guest, uuid: guest.uuid, serial: guest.uuid)

        try #require(seen.found, "\(seen.warnings) \(seen.requests) \(host.server.log)")
        #expect(seen.cloud_name == "aws")
        #expect(seen.instance_id == DescribedGuest.instanceID)
        #expect(seen.hostname == DescribedGuest.hostname)
        #expect(seen.availability_zone == DescribedGuest.zone)
        #expect(seen.region == DescribedGuest.region)
        #expect(Set(seen.public_ssh_keys ?? []) == Set(DescribedGuest.keys.map(\.value)))
        #expect(seen.userdata == Data(DescribedGuest.userData.utf8))
        #expect(seen.userdata_parts == ["text/cloud-config"])
        #expect(seen.metadata?.tags == ["instance": DescribedGuest.tags])
        #expect(
            seen.identity
                == CloudInit.Identity(
                    instanceId: DescribedGuest.instanceID, region: DescribedGuest.region,
                    availabilityZone: DescribedGuest.zone, privateIp: DescribedGuest.addresses[0]))
        Self.expectNetwork(seen)
        Self.expectRequests(seen)
        #expect(seen.warnings == [])
        #expect(seen.errors == [:])
    }

    @Test func `a domain of which the operator said nothing is an instance there too`() async throws {
        let bare = DescribedGuest.bare
        let host = try await ClientHost(asking: bare, running: [bare])
        let seen = try CloudInit.run(.ec2, in: host.guest, uuid: bare.uuid, serial: bare.uuid)

        try #require(seen.found, "\(seen.warnings) \(seen.requests) \(host.server.log)")
        #expect(seen.instance_id == DescribedGuest.bareID)
        #expect(seen.hostname == "bare")
        #expect(seen.public_ssh_keys == [])
        #expect(seen.userdata == nil)
        #expect(seen.metadata?.tags == nil)
        #expect(seen.network_config?.ethernets?.keys.sorted() == ["eth0"])
        #expect(seen.requests.filter { $0.status != 200 }.map(\.url) == ["http://169.254.169.254/2021-03-23/user-data"])
        #expect(seen.warnings == [])
        #expect(seen.errors == [:])
    }

    /// Each card of the guest is one of the domain's, in its order, and asks for an address.
    private static func expectNetwork(_ seen: CloudInit) {
        let cards = seen.metadata?.network?["interfaces"]?["macs"] ?? [:]
        #expect(cards.count == DescribedGuest.nics.count)
        for (number, nic) in DescribedGuest.nics.enumerated() {
            #expect(
                cards[nic.mac]
                    == CloudInit.NIC(
                        number: "\(number)", vpc: DescribedGuest.network, subnet: DescribedGuest.subnets[number],
                        addresses: DescribedGuest.addresses[number]))
            let ethernet = seen.network_config?.ethernets?["eth\(number)"]
            #expect(ethernet?.match == ["macaddress": nic.mac])
            #expect(ethernet?.dhcp4 == true)
        }
        #expect(seen.network_config?.ethernets?.count == DescribedGuest.nics.count)
    }

    /// A token first, then the newest version that it knows, of which nothing that is listed fails.
    private static func expectRequests(_ seen: CloudInit) {
        let base = "http://169.254.169.254"
        #expect(seen.requests.first?.method == "PUT")
        #expect(seen.requests.first?.url == base + "/latest/api/token")
        #expect(seen.requests.filter { $0.method == "PUT" }.count == 1, "none was refused, or it would ask for another")
        #expect(seen.requests.dropFirst().first?.url == base + "/2021-03-23/meta-data/instance-id")
        #expect(seen.requests.dropFirst().allSatisfy { $0.url.hasPrefix(base + "/2021-03-23/") })
        #expect(seen.requests.filter { $0.status != 200 }.map(\.url) == [])
    }
}
