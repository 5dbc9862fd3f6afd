import Foundation
import TestSupport
import Testing

/// cloudbase-init, which Windows guests have: its services, and its plugin that leaves a password, in guests of one host.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"),
    .enabled(if: Clients.has("cloudbase-init"), "needs cloudbase-init: run Tests/clients/install-ec2-clients.sh"))
struct CloudbaseInitTests {
    @Test func `its OpenStack service finds the instance and its network`() async throws {
        let guest = DescribedGuest.guest()
        let found = try await Self.found(by: "openstack", in: guest)
        #expect(found.get_instance_id == guest.uuid)
        try Self.expectDescription(in: found)
        #expect(found.get_client_auth_certs == [] && found.get_admin_username == nil)
        let network = try #require(found.get_network_details_v2)
        #expect(network.links.map(\.mac_address) == DescribedGuest.nics.map(\.mac))
        #expect(network.links.allSatisfy { $0.type == "physical" && $0.enabled })
        #expect(network.networks.map(\.address_cidr) == DescribedGuest.nics.map(\.address))
        #expect(network.networks.map(\.link) == network.links.map(\.id))
    }

    @Test func `its EC2 service finds the instance`() async throws {
        let found = try await Self.found(by: "ec2", in: DescribedGuest.guest())
        #expect(found.get_instance_id == DescribedGuest.instanceID)
        try Self.expectDescription(in: found)
    }

    private static func found(by service: String, in guest: Guest) async throws -> Found {
        let host = try await ClientHost(asking: guest, running: [guest])
        let printed = try Clients.run([Clients.driver("cloudbase_init.py"), service], in: host.guest)
        return try JSONDecoder().decode(Found.self, from: Data(printed.utf8))
    }

    /// What both services give their plugins.
    private static func expectDescription(in found: Found) throws {
        #expect(found.load && found.log == [])
        #expect(found.get_host_name == DescribedGuest.hostname)
        #expect(found.get_public_keys == DescribedGuest.keys.map(\.value).sorted())
        #expect(found.get_user_data == DescribedGuest.userData)
    }

    /// What `Tests/clients/cloudbase_init.py` prints of a service.
    private struct Found: Decodable {
        let load: Bool
        let get_instance_id, get_host_name: String
        let get_public_keys: [String]
        let get_user_data, get_admin_username: String?
        let get_client_auth_certs: [String]?
        let get_network_details_v2: Network?
        let log: [String]

        struct Network: Decodable {
            let links: [Link]
            let networks: [Addressed]
        }
        struct Link: Decodable {
            let id, type, mac_address: String
            let enabled: Bool
        }
        struct Addressed: Decodable {
            let link, address_cidr: String
        }
    }

    @Test func `the password that it leaves is the operator's to decrypt`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let key = libvirtd.directory + "/key"
        try Command.succeed(["ssh-keygen", "-q", "-t", "rsa", "-b", "3072", "-m", "PEM", "-N", "", "-f", key])
        let publicKey = try String(contentsOfFile: key + ".pub", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let words = "<public-keys><public-key name='admin'><key>\(publicKey)</key></public-key></public-keys>"
        let nic = Guest.NIC(mac: "52:54:00:3c:a1:0d", address: "192.168.122.12/24")
        let guest = Guest(name: "windows", uuid: "5b0f3c1e-7c24-4a5b-9d11-2f6c8a90e472", nics: [nic], words: words)
        let host = try await ClientHost(asking: guest, in: libvirtd, options: ["--allow-password", "yes"])
        try await Self.wait(for: host)

        let printed = try Clients.run([Clients.driver("cloudbase_init.py"), "password", "Pässw0rd!"], in: host.guest)
        let said = try JSONDecoder().decode(Said.self, from: Data(printed.utf8))
        #expect(said.load && said.can_post_password && !said.was_set)
        #expect(said.left == true && said.is_set)
        #expect(said.another.hasPrefix("409 Client Error: Conflict"))
        #expect(said.log == [])

        let output = try Command.succeed([
            MetadataServer.executable, "password", "windows", "--connect", libvirtd.uri, "--decrypt", key,
        ])
        #expect(output == "Pässw0rd!")
    }

    /// What `Tests/clients/cloudbase_init.py` prints of a password.
    private struct Said: Decodable {
        let load, can_post_password, was_set, is_set: Bool
        let left: Bool?
        /// What became of another password after the first.
        let another: String
        /// Each record that it logged at WARNING or above.
        let log: [String]
    }

    /// The server has heard of the guest.
    private static func wait(for host: ClientHost) async throws {
        let curl = ["curl", "-s", "-f", "http://169.254.169.254/openstack/latest/meta_data.json"]
        let isKnown = try await eventually { try Command.run(curl, in: host.guest.name).status == 0 }
        #expect(isKnown, "the guest is unknown:\n\(host.server.log)")
    }
}
