import Foundation
import TestSupport
import Testing

/// The server over QEMU's own driver, for what libvirt's test driver cannot show: cards that come and go, leases, resets.
@Suite(
    .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PrivateLibvirtd.obstacle(to: .qemu) == nil, "needs root, libvirtd, QEMU for x86 and dnsmasq"))
struct LivePluggingTests {
    @Test func `an attached card identifies its guest at once, and after detaching none`() async throws {
        let host = try await plugged(paused: true)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, nil)
        try host.libvirtd.virsh("attach-interface", "guest1", "network", "guests", "--model", "virtio", "--mac", Host.mac(2))
        try await host.expect(2, "i-00000001")
        // A paused guest cannot release a card; a reset removes it.
        try host.libvirtd.virsh("detach-interface", "guest1", "network", "--mac", Host.mac(2))
        try host.libvirtd.virsh("reset", "guest1")
        try await host.expect(2, nil)
        try await host.expect(1, "i-00000001")
    }

    @Test func `a lease is the address of a card without requests`() async throws {
        let host = try await plugged(paused: true)
        try host.libvirtd.virsh(
            "attach-interface", "guest1", "network", "elsewhere", "--model", "virtio", "--mac", Host.mac(2))
        try await host.expect(2, "i-00000001")
        // The first card has no lease yet, and the second one sends a request: the first one's address is unknown.
        #expect(try host.body(2, "/latest/meta-data/local-ipv4") == "\(Host.address(2))200")
        try host.libvirtd.virsh("reset", "guest1")
        try host.libvirtd.virsh("resume", "guest1")
        try await host.eventually("the first card's lease is its address", within: .seconds(60)) {
            try host.body(2, "/latest/meta-data/local-ipv4").hasPrefix("198.51.100.")
        }
    }

    @Test func `a network without readable leases does not affect others`() async throws {
        let libvirtd = try PrivateLibvirtd(driver: .qemu)
        try Self.start("guests", "198.51.100", on: libvirtd)
        try libvirtd.inside("sh", "-c", "echo '{not json' > /var/lib/libvirt/dnsmasq/guests0.status")
        try libvirtd.virsh(["create", "--paused", try libvirtd.file("guest1.xml", Self.domain)])
        let server = try await MetadataServer([
            "--connect", libvirtd.uri, "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32",
            "--neighbours", try libvirtd.file("neighbours", Host.neighbours),
        ])
        let host = Host(libvirtd: libvirtd, server: server)
        try await host.expect(1, "i-00000001")
        #expect(server.log.contains("cannot read the DHCP leases of a network; using the last known ones"))
    }

    @Test func `a start that hangs keeps no other guest from being served, and is reported`() async throws {
        let host = try await Host(driver: .qemu, options: ["--resync-interval", "1s"])
        try Self.start("guests", "198.51.100", on: host.libvirtd)
        try host.libvirtd.virsh("create", "--paused", try host.libvirtd.file("guest1.xml", Self.domain))
        try await host.expect(1, "i-00000001")
        let start = try HangingStart(on: host.libvirtd)
        try await host.eventually("the server says that it cannot list the domains", within: .seconds(50)) {
            host.server.log.contains("cannot list all domains; serving the last known state, retrying")
        }
        #expect(host.server.log.contains("libvirt may wait for the start of a domain, or for its storage"))
        try await host.expect(1, "i-00000001")
        // Guests that start meanwhile are served, too.
        let second = Self.domain.replacingOccurrences(of: "000000001", with: "000000002").replacingOccurrences(
            of: "guest1", with: "guest2"
        )
        .replacingOccurrences(of: Host.mac(1), with: Host.mac(2)).replacingOccurrences(of: "i-00000001", with: "i-00000002")
        try host.libvirtd.virsh("create", "--paused", try host.libvirtd.file("guest2.xml", second))
        try await host.expect(2, "i-00000002", within: .seconds(15))
        try start.end()
    }

    /// A host with one guest, whose only card is on the network `guests`.
    private func plugged(paused: Bool) async throws -> Host {
        let host = try await Host(driver: .qemu)
        try Self.start("guests", "198.51.100", on: host.libvirtd)
        try Self.start("elsewhere", "203.0.113", on: host.libvirtd)
        let file = try host.libvirtd.file("guest1.xml", Self.domain)
        try host.libvirtd.virsh(["create"] + (paused ? ["--paused"] : []) + [file])
        return host
    }

    private static func start(_ network: String, _ subnet: String, on libvirtd: PrivateLibvirtd) throws {
        let xml = """
            <network><name>\(network)</name><forward mode='open'/><bridge name='\(network)0'/>
              <ip address='\(subnet).1' netmask='255.255.255.0'><dhcp><range start='\(subnet).10' end='\(subnet).20'/></dhcp></ip>
            </network>
            """
        try libvirtd.virsh("net-create", try libvirtd.file("\(network).xml", xml))
    }

    private static let domain = """
        <domain type='qemu'>
          <name>guest1</name><uuid>6a9b1c2d-0000-4000-8000-000000000001</uuid>
          <metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-00000001</instance-id></instance></metadata>
          <memory unit='MiB'>32</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <features><acpi/></features>
          <devices>
            <emulator>/usr/bin/qemu-system-x86_64</emulator>
            <controller type='usb' model='none'/><memballoon model='none'/>
            <interface type='network'>
              <mac address='\(Host.mac(1))'/><source network='guests'/><model type='virtio'/><boot order='1'/>
            </interface>
          </devices>
        </domain>
        """
}
