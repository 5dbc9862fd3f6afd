import Foundation
import TestSupport
import Testing

/// Debian's own cloud-init in guests of one host; `Tests/clients/README.md` says which part of it is real.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: CloudInit.isUnpacked, "needs Debian's cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitTests {
    @Test func `the EC2 source finds all that the operator wrote`() async throws {
        let (host, guest) = try Self.hostAndGuest(Self.web)
        let server = try await Self.server(in: host)
        let seen = try CloudInit.run(.ec2, in: guest, uuid: Self.web.uuid)

        try #require(seen.found, "\(seen.warnings) \(server.log)")
        #expect(seen.cloud_name == "unknown", "the way without a token")
        #expect(seen.instance_id == "i-1a2b3c4d")
        #expect(seen.hostname == "web-1")
        #expect(seen.availability_zone == "rack-1a")
        #expect(Set(seen.public_ssh_keys ?? []) == [Self.adminKey, Self.deployKey])
        #expect(seen.userdata == Data(Self.userData.utf8))
        #expect(seen.userdata_parts == ["text/cloud-config"])
        #expect(seen.network_config == nil, "without network/ it falls back to DHCP")
        Self.expectContent(seen, of: .ec2)
    }

    @Test func `the OpenStack source finds all that the operator wrote`() async throws {
        let (host, guest) = try Self.hostAndGuest(Self.web)
        let server = try await Self.server(in: host)
        let seen = try CloudInit.run(.openstack, in: guest, uuid: Self.web.uuid)

        try #require(seen.found, "\(seen.warnings) \(server.log)")
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
        let nic = seen.network_config?.config?.first { $0.mac_address == Self.web.mac }
        #expect(nic?.type == "physical")
        #expect(nic?.name == "eth0")
        #expect(nic?.subnets?.map(\.type).contains("dhcp4") == true)
        // Its last step walks the EC2 tree, whose loss it only logs.
        #expect(seen.ec2_metadata?.instanceID == "i-1a2b3c4d")
        #expect(seen.requests.filter { $0.status != 200 }.map(\.url) == [])
        Self.expectContent(seen, of: .openstack)
    }

    @Test(arguments: [CloudInit.DataSource.ec2, .openstack])
    func `a domain of which the operator said nothing is an instance too`(source: CloudInit.DataSource) async throws {
        let (host, guest) = try Self.hostAndGuest(Self.bare)
        let server = try await Self.server(in: host)
        let seen = try CloudInit.run(source, in: guest, uuid: Self.bare.uuid)

        try #require(seen.found, "\(seen.warnings) \(server.log)")
        #expect(seen.instance_id == (source == .ec2 ? "i-5a7d2c0ee1b84d6f9" : Self.bare.uuid))
        #expect(seen.hostname == "bare")
        #expect(seen.public_ssh_keys == [])
        #expect(seen.userdata == nil)
        #expect(seen.vendordata == nil)
        if source == .openstack {
            #expect(seen.ec2_metadata?.instanceID == "i-5a7d2c0ee1b84d6f9")
        }
        Self.expectContent(seen, of: source)
    }

    @Test func `a guest of no domain finds nothing`() async throws {
        let (host, guest) = try Self.hostAndGuest(Self.stranger)
        let server = try await Self.server(in: host)
        let seen = try CloudInit.run(.openstack, in: guest, uuid: Self.web.uuid)

        #expect(!seen.found, "a UUID in SMBIOS is no proof\n\(server.log)")
        #expect(seen.requests.allSatisfy { $0.status == 404 || $0.status == nil })
    }

    /// cloud-init neither complained nor failed over what it got.
    ///
    /// One remark is excepted: the EC2 tree has no `network/`, which the source says once before it falls back to DHCP. The
    /// banner for an unknown platform cannot come: it belongs to a stage that is not run.
    private static func expectContent(
        _ seen: CloudInit, of source: CloudInit.DataSource, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let excepted = source == .ec2 ? ["Metadata 'network' key not valid: None."] : []
        #expect(seen.warnings.map(\.message) == excepted, sourceLocation: sourceLocation)
        #expect(seen.errors == [:], sourceLocation: sourceLocation)
    }
}

// MARK: - The host

extension CloudInitTests {
    /// A guest, as libvirt and the network know it.
    struct Guest {
        let uuid: String
        let mac: String
        let address: String
    }

    static let web = Guest(
        uuid: "0b5f1d3e-7c24-4a5b-9d11-2f6c8a90e471", mac: "52:54:00:3c:a1:07", address: "192.168.122.10/24")
    static let bare = Guest(
        uuid: "5a7d2c0e-e1b8-4d6f-93aa-1c2d3e4f5061", mac: "52:54:00:3c:a1:08", address: "192.168.122.11/24")
    static let stranger = Guest(
        uuid: "c2f7a6de-90b3-4c55-8e1d-77aa5be0d912", mac: "52:54:00:3c:a1:09", address: "192.168.122.12/24")

    static let adminKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdminAdminAdminAdminAdminAdminAdminAdminAd admin@example"
    static let deployKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeployDeployDeployDeployDeployDeployDeploy deploy=ci@example"

    /// What `<userdata>` of the node says once its indentation is gone: no newline at its end.
    static let userData = """
        #cloud-config
        packages: [htop]
        runcmd:
          - echo 'naïve ☃' && true
        """

    /// A host whose bridge has the metadata address, and a guest on that bridge.
    static func hostAndGuest(_ guest: Guest) throws -> (host: NetworkNamespace, guest: NetworkNamespace) {
        let (host, namespace) = (try NetworkNamespace(), try NetworkNamespace())
        try host.addBridge("virbr0", addresses: ["192.168.122.1/24", "169.254.169.254/32"])
        _ = try GuestLink(
            from: namespace, to: "virbr0", in: host, mac: guest.mac, addresses: [guest.address], interface: "eth0",
            port: guest.port)
        try namespace.run("ip", "route", "add", "default", "via", "192.168.122.1")
        return (host, namespace)
    }

    /// A server over the node below, on the bridge's metadata address.
    static func server(in host: NetworkNamespace) async throws -> MetadataServer {
        let file = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml")
        try Data(node.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try await MetadataServer(in: host, ["--connect", "test://\(file.path)", "--listen", "169.254.169.254:80"])
        // It listens before it has read the node.
        for _ in 0..<200 where !server.log.contains("the inventory is complete") { try await Task.sleep(for: .milliseconds(50)) }
        return server
    }

    /// A node of libvirt's test driver with two running domains, of which the operator described one.
    ///
    /// Taps are not called `vnet…`: libvirt takes such names for its own and forgets them.
    static let node = """
        <node>
          <domain type='test'>
            <name>web-1</name>
            <title>Web server №1</title>
            <uuid>\(web.uuid)</uuid>
            <metadata>
              <instance xmlns='urn:virt-metadata:instance:1'>
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
                  <interface mac='\(web.mac)'><vpc-id>vpc-0a1b2c3d</vpc-id><subnet-id>subnet-0a1b2c3d</subnet-id></interface>
                </interfaces>
              </instance>
            </metadata>
            <memory unit='MiB'>2048</memory>
            <vcpu>2</vcpu>
            <os><type>hvm</type></os>
            <devices>
              <interface type='bridge'>
                <mac address='\(web.mac)'/>
                <source bridge='virbr0'/>
                <target dev='\(web.port)'/>
              </interface>
            </devices>
          </domain>
          <domain type='test'>
            <name>bare</name>
            <uuid>\(bare.uuid)</uuid>
            <memory unit='MiB'>512</memory>
            <vcpu>1</vcpu>
            <os><type>hvm</type></os>
            <devices>
              <interface type='bridge'>
                <mac address='\(bare.mac)'/>
                <source bridge='virbr0'/>
                <target dev='\(bare.port)'/>
              </interface>
            </devices>
          </domain>
        </node>
        """
}

extension CloudInitTests.Guest {
    /// Its port of the bridge.
    var port: String { "tap-" + mac.suffix(2) }
}
