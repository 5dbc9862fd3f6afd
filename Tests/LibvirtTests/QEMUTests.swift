import Common
import Foundation
import Libvirt
import TestSupport
import Testing

/// A small real guest under QEMU's own emulation, whose firmware asks for an address over DHCP and finds nothing to boot.
@Suite(
    .serialized, .timeLimit(.minutes(3)),
    .enabled(
        if: PrivateLibvirtd.obstacle(to: .qemu) == nil,
        "These tests start a libvirtd and a QEMU of their own, which needs root, QEMU for x86 and dnsmasq."))
struct QEMUTests {
    private let uuid: InstanceUUID
    private let mac = "52:54:00:00:00:01"
    private let daemon: PrivateLibvirtd
    private let hints = HintLog()
    private let hypervisor: Hypervisor

    init() throws {
        uuid = try #require(InstanceUUID("3b2f4a0c-52b1-4f0e-8f55-0c1d0a3f7e21"))
        daemon = try PrivateLibvirtd(driver: .qemu)
        hypervisor = Hypervisor(uri: daemon.uri, onHint: { [hints] in hints.add($0) })
    }

    @Test func `an attached or detached card gives a hint, and so does a reset`() async throws {
        try await hypervisor.connect()
        #expect(await hypervisor.unavailableEvents.isEmpty)
        try startNetwork()
        #expect(try await hints.has(.network(name: "guests")))
        try daemon.virsh("create", "--paused", try domain())
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await hypervisor.runningDomains() == [DomainReference(uuid: uuid, name: "tiny")])

        let second = "52:54:00:00:00:02"
        hints.clear()
        try daemon.virsh("attach-interface", "tiny", "network", "guests", "--model", "virtio", "--mac", second)
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await liveXML().contains(second))

        hints.clear()
        try daemon.virsh("reset", "tiny")
        #expect(try await hints.has(.domain(uuid)))

        // The guest would have to let the card go, and this one does not run; a reset takes the card out too.
        try daemon.virsh("detach-interface", "tiny", "network", "--mac", second)
        hints.clear()
        try daemon.virsh("reset", "tiny")
        #expect(try await eventually { hints.all.count >= 2 }, "one hint for the reset and one for the card")
        #expect(try await !liveXML().contains(second))
    }

    @Test func `a guest's lease has its hardware address, its address and its end`() async throws {
        try await hypervisor.connect()
        try startNetwork()
        #expect(try await hypervisor.leases(network: "guests").isEmpty)
        try daemon.virsh("create", try domain())
        var leases: [Lease] = []
        _ = try await eventually(within: .seconds(60)) {
            leases = try await hypervisor.leases(network: "guests")
            return !leases.isEmpty
        }
        let lease = try #require(leases.first)
        #expect(lease.mac == MACAddress(mac))
        #expect(AddressRange("192.0.2.0/24")?.contains(lease.address) == true)
        #expect(lease.expires > Int64(Date().timeIntervalSince1970))
        try daemon.virsh("net-destroy", "guests")
        #expect(try await hypervisor.leases(network: "guests").isEmpty)
    }

    @Test func `a transient domain has no XML for the next start, and is gone once it stops`() async throws {
        try await hypervisor.connect()
        try startNetwork()
        try daemon.virsh("create", "--paused", try domain())
        let running = try #require(try await hypervisor.domain(uuid: uuid, edited: true))
        #expect(running.inactiveXML == nil)
        hints.clear()
        try daemon.virsh("destroy", "tiny")
        #expect(try await hints.has(.domain(uuid)))
        #expect(try await hypervisor.domain(uuid: uuid, edited: true) == nil)
        #expect(try await hypervisor.findDomain("tiny", edited: true) == nil)
    }

    @Test func `a guest that outlives its daemon is found again`() async throws {
        try await hypervisor.connect()
        try startNetwork()
        try daemon.virsh("create", "--paused", try domain())
        try daemon.restart()
        #expect(try await hints.hasConnectionLost())
        try await hypervisor.connect()
        #expect(try await hypervisor.domain(uuid: uuid, edited: false)?.name == "tiny")
        #expect(try await hypervisor.network(named: "guests")?.name == "guests")
    }

    @Test func `a start that hangs keeps nobody from reading other domains`() async throws {
        let hypervisor = Hypervisor(uri: daemon.uri, answerLimit: .seconds(3)) { _ in }
        try await hypervisor.connect()
        try startNetwork()
        try daemon.virsh("create", "--paused", try domain())
        let start = try HangingStart(on: daemon)
        func isListed() async throws -> Bool {
            do throws(LibvirtError) {
                return try await hypervisor.runningDomains().contains { $0.name == "tiny" }
            } catch {
                #expect(error.code == .operationTimeout, "\(error)")
                return false
            }
        }
        #expect(try await eventually(within: .seconds(20)) { try await !isListed() })
        #expect(try await hypervisor.domain(uuid: uuid, edited: false)?.name == "tiny")
        #expect(try await hypervisor.networks().described.map(\.name) == ["guests"])
        // Another one does not begin before the first has ended: it would take a further thread of the daemon.
        let (clock, begin) = (ContinuousClock(), ContinuousClock.now)
        for _ in 0..<20 { #expect(try await !isListed()) }
        #expect(begin.duration(to: clock.now) < .seconds(30), "twenty calls would take a minute")
        #expect(await hypervisor.isConnected)
        try start.end()
        #expect(try await eventually(within: .seconds(20)) { try await isListed() })
    }

    private func liveXML() async throws -> String {
        try #require(try await hypervisor.domain(uuid: uuid, edited: false)).liveXML
    }

    /// Forward mode `open` keeps libvirt from writing firewall rules, for which the host may lack the program.
    private func startNetwork() throws {
        let xml = """
            <network>
              <name>guests</name><forward mode='open'/><bridge name='guests0'/>
              <ip address='192.0.2.1' netmask='255.255.255.0'>
                <dhcp><range start='192.0.2.10' end='192.0.2.20'/></dhcp>
              </ip>
            </network>
            """
        try daemon.virsh("net-create", try daemon.file("network.xml", xml))
    }

    /// The path of the guest's description.
    private func domain() throws -> String {
        let xml = """
            <domain type='qemu'>
              <name>tiny</name><uuid>\(uuid)</uuid><memory unit='MiB'>32</memory>
              <os><type arch='x86_64' machine='pc'>hvm</type></os>
              <features><acpi/></features>
              <devices>
                <emulator>/usr/bin/qemu-system-x86_64</emulator>
                <controller type='usb' model='none'/><memballoon model='none'/>
                <interface type='network'>
                  <mac address='\(mac)'/><source network='guests'/><model type='virtio'/><boot order='1'/>
                </interface>
              </devices>
            </domain>
            """
        return try daemon.file("domain.xml", xml)
    }
}
