import Foundation
import TestSupport
import Testing

/// Debian's own cloud-init in guests of one host; `Tests/clients/README.md` says which part of it is real.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: CloudInit.isUnpacked, "needs Debian's cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitTests {
    @Test func `the EC2 source finds all that the operator wrote`() async throws {
        let host = try await ClientHost(asking: Self.web, running: Self.guests)
        let seen = try CloudInit.run(.ec2, in: host.guest, uuid: Self.web.uuid)

        try #require(seen.found, "\(seen.warnings) \(host.server.log)")
        #expect(seen.cloud_name == "unknown", "the way without a token")
        #expect(seen.instance_id == "i-1a2b3c4d")
        #expect(seen.hostname == "web-1")
        #expect(seen.availability_zone == "rack-1a")
        #expect(Set(seen.public_ssh_keys ?? []) == [Self.adminKey, Self.deployKey])
        #expect(seen.userdata == Data(Self.userData.utf8))
        #expect(seen.userdata_parts == ["text/cloud-config"])
        #expect(seen.network_config?.ethernets?.keys.sorted() == ["eth0"])
        #expect(seen.network_config?.ethernets?["eth0"]?.match == ["macaddress": Self.web.nics[0].mac])
        Self.expectContent(seen)
    }

    @Test func `the OpenStack source finds all that the operator wrote`() async throws {
        let host = try await ClientHost(asking: Self.web, running: Self.guests)
        let seen = try CloudInit.run(.openstack, in: host.guest, uuid: Self.web.uuid)

        try #require(seen.found, "\(seen.warnings) \(host.server.log)")
        #expect(seen.instance_id == Self.web.uuid)
        #expect(seen.check_instance_id == true, "or each boot would ask anew")
        #expect(seen.hostname == "web-1")
        #expect(seen.metadata?.name == "Web server №1")
        #expect(seen.availability_zone == "rack-1a")
        let keys = (seen.public_ssh_keys ?? []).map { $0.trimmingCharacters(in: .newlines) }
        #expect(Set(keys) == [Self.adminKey, Self.deployKey])
        #expect(seen.userdata == Data(Self.userData.utf8))
        #expect(seen.userdata_parts == ["text/cloud-config"])
        #expect(seen.vendordata == "#cloud-config\nlocale: de_DE.UTF-8\n")
        #expect(seen.vendordata_parts == ["text/cloud-config"])
        #expect(seen.vendordata2 == nil, "its only member is `static`, which cloud-init leaves alone")
        let nic = seen.network_config?.config?.first { $0.mac_address == Self.web.nics[0].mac }
        #expect(nic?.type == "physical")
        #expect(nic?.name == "eth0")
        #expect(nic?.subnets?.map(\.type).contains("dhcp4") == true)
        // Its last step walks the EC2 tree, whose loss it only logs.
        #expect(seen.ec2_metadata?.instanceID == "i-1a2b3c4d")
        #expect(seen.requests.filter { $0.status != 200 }.map(\.url) == [])
        Self.expectContent(seen)
    }

    @Test func `the NoCloud source finds all that the operator wrote`() async throws {
        let host = try await ClientHost(asking: Self.web, running: Self.guests)
        let serial = "ds=nocloud-net;s=http://169.254.169.254/nocloud/"
        let seen = try CloudInit.run(.nocloud, in: host.guest, uuid: Self.web.uuid, serial: serial)

        try #require(seen.found, "\(seen.warnings) \(host.server.log)")
        #expect(seen.instance_id == "i-1a2b3c4d")
        #expect(seen.hostname == "web-1")
        #expect(seen.availability_zone == "rack-1a")
        #expect(Set(seen.public_ssh_keys ?? []) == [Self.adminKey, Self.deployKey])
        #expect(seen.userdata == Data(Self.userData.utf8))
        #expect(seen.userdata_parts == ["text/cloud-config"])
        // These are bytes to it, which the driver prints as cloud-init does.
        let vendorData = Data("#cloud-config\nlocale: de_DE.UTF-8\n".utf8).base64EncodedString()
        #expect(seen.vendordata == "ci-b64:\(vendorData)")
        #expect(seen.vendordata_parts == ["text/cloud-config"])
        #expect(seen.requests.map { $0.url.split(separator: "/").last } == ["meta-data", "user-data", "vendor-data"])
        #expect(seen.requests.allSatisfy { $0.status == 200 })
        Self.expectContent(seen)
        // One of which the operator said nothing.
        let other = try await ClientHost(asking: Self.bare, running: Self.guests)
        let bare = try CloudInit.run(.nocloud, in: other.guest, uuid: Self.bare.uuid, serial: serial)
        try #require(bare.found, "\(bare.warnings) \(other.server.log)")
        #expect(bare.hostname == "bare")
        #expect(bare.userdata == nil)
        #expect(bare.requests.allSatisfy { $0.status == 200 })
        Self.expectContent(bare)
    }

    @Test func `the OpenStack source runs what the vendor data target of its name says`() async throws {
        let said = "#cloud-config\ntimezone: Europe/Rome\n"
        let targets = ["cloud-init": ##""#cloud-config\ntimezone: Europe/Rome\n""##, "roles": #"{"cloud-init": "not this"}"#]
        let host = try await ClientHost(asking: Self.web, running: Self.guests, targets: targets)
        let seen = try CloudInit.run(.openstack, in: host.guest, uuid: Self.web.uuid)
        try #require(seen.found, "\(seen.warnings) \(host.server.log)")
        #expect(seen.vendordata2 == said)
        #expect(seen.vendordata2_parts == ["text/cloud-config"])
        Self.expectContent(seen)
    }

    @Test(arguments: [CloudInit.DataSource.ec2, .openstack])
    func `a domain of which the operator said nothing is an instance too`(source: CloudInit.DataSource) async throws {
        let host = try await ClientHost(asking: Self.bare, running: Self.guests)
        let seen = try CloudInit.run(source, in: host.guest, uuid: Self.bare.uuid)

        try #require(seen.found, "\(seen.warnings) \(host.server.log)")
        #expect(seen.instance_id == (source == .ec2 ? "i-5a7d2c0ee1b84d6f9" : Self.bare.uuid))
        #expect(seen.hostname == "bare")
        #expect(seen.public_ssh_keys == [])
        #expect(seen.userdata == nil)
        #expect(seen.vendordata == nil)
        if source == .openstack {
            #expect(seen.ec2_metadata?.instanceID == "i-5a7d2c0ee1b84d6f9")
        }
        Self.expectContent(seen)
    }

    @Test func `a guest of no domain finds nothing`() async throws {
        let host = try await ClientHost(asking: Self.stranger, running: Self.guests)
        let seen = try CloudInit.run(.openstack, in: host.guest, uuid: Self.web.uuid)

        #expect(!seen.found, "a UUID in SMBIOS is no proof\n\(host.server.log)")
        #expect(seen.requests.allSatisfy { $0.status == 404 || $0.status == nil })
    }

    @Test(arguments: [CloudInit.DataSource.ec2, .openstack])
    func `where tokens are required a source that asks for none finds nothing`(source: CloudInit.DataSource) async throws {
        let guest = DescribedGuest.guest(tokens: .required)
        let host = try await ClientHost(asking: guest, running: [guest])
        let seen = try CloudInit.run(source, in: host.guest, uuid: Self.web.uuid, patience: 2)

        #expect(!seen.found)
        #expect(!seen.requests.isEmpty && seen.requests.allSatisfy { $0.status == 401 }, "\(seen.requests)")
    }

    /// cloud-init neither complained nor failed over what it got.
    ///
    /// The banner for an unknown platform cannot come: it belongs to a stage that is not run.
    private static func expectContent(_ seen: CloudInit, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(seen.warnings == [], sourceLocation: sourceLocation)
        #expect(seen.errors == [:], sourceLocation: sourceLocation)
    }
}

// MARK: - The guests

extension CloudInitTests {
    static let adminKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdminAdminAdminAdminAdminAdminAdminAdminAd admin@example"
    static let deployKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeployDeployDeployDeployDeployDeployDeploy deploy=ci@example"

    /// What `<userdata>` says once its indentation is gone: no newline at its end.
    static let userData = """
        #cloud-config
        packages: [htop]
        runcmd:
          - echo 'naïve ☃' && true
        """

    static let web = Guest(
        name: "web-1", title: "Web server №1", uuid: "0b5f1d3e-7c24-4a5b-9d11-2f6c8a90e471",
        nics: [Guest.NIC(mac: "52:54:00:3c:a1:07", address: "192.168.122.10/24")],
        words: """
            <instance-id>i-1a2b3c4d</instance-id>
            <userdata>
              #cloud-config
              packages: [htop]
              runcmd:
                - echo 'naïve ☃' &amp;&amp; true
            </userdata>
            <public-keys>
              <public-key name='admin'><key format='openssh-key'>\(adminKey)</key></public-key>
              <public-key name='deploy'><key format='openssh-key'>\(deployKey)</key></public-key>
            </public-keys>
            <placement><availability-zone>rack-1a</availability-zone></placement>
            <vendordata>{"cloud-init": "#cloud-config\\nlocale: de_DE.UTF-8\\n"}</vendordata>
            <interfaces>
              <interface mac='52:54:00:3c:a1:07'><vpc-id>vpc-0a1b2c3d</vpc-id><subnet-id>subnet-0a1b2c3d</subnet-id></interface>
            </interfaces>
            """)
    static let bare = Guest(
        name: "bare", uuid: "5a7d2c0e-e1b8-4d6f-93aa-1c2d3e4f5061",
        nics: [Guest.NIC(mac: "52:54:00:3c:a1:08", address: "192.168.122.11/24")])
    static let stranger = Guest(
        name: "stranger", uuid: "c2f7a6de-90b3-4c55-8e1d-77aa5be0d912",
        nics: [Guest.NIC(mac: "52:54:00:3c:a1:09", address: "192.168.122.12/24")])

    /// Those that libvirt knows.
    static let guests = [web, bare]
}
