import Common
import Foundation
import Glibc
import Libvirt
import Testing

/// A hypervisor of libvirt's test driver inside this process, from a node file (https://libvirt.org/drvtest.html).
@Suite(.timeLimit(.minutes(1)))
final class HypervisorTests {
    private static let uuidText = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
    private let uuid: InstanceUUID
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString).xml").path
    private let hypervisor: Hypervisor

    init() throws {
        uuid = try #require(InstanceUUID(Self.uuidText))
        try Self.node.write(toFile: path, atomically: true, encoding: .utf8)
        hypervisor = Hypervisor(uri: "test://" + path, onHint: { _ in })
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    @Test func `running and paused domains are listed, stopped ones are not`() async throws {
        try await hypervisor.connect()
        let domains = try await hypervisor.runningDomains()
        #expect(Set(domains.map(\.name)) == ["web", "paused"])
        #expect(domains.contains { $0.uuid == uuid && $0.name == "web" })
    }

    @Test func `a running domain is described, with its metadata`() async throws {
        try await hypervisor.connect()
        let domain = try #require(try await hypervisor.domain(uuid: uuid, edited: false))
        #expect(domain.uuid == uuid)
        #expect(domain.name == "web")
        #expect(domain.isRunning)
        #expect(domain.liveXML.contains("north &amp; ñandú</x:zone>"))
        #expect(domain.liveXML.contains("<mac address='52:54:00:00:00:01'/>"))
        #expect(domain.inactiveXML == nil)
    }

    @Test func `the XML for the next start is read on request`() async throws {
        try await hypervisor.connect()
        let domain = try #require(try await hypervisor.domain(uuid: uuid, edited: true))
        #expect(domain.inactiveXML?.hasPrefix("<domain type='test'>") == true)
        #expect(domain.liveXML.hasPrefix("<domain type='test' id="))
    }

    @Test(arguments: ["00000000-0000-0000-0000-000000000000", "no uuid", ""])
    func `an unknown domain is nil`(text: String) async throws {
        try await hypervisor.connect()
        #expect(try await hypervisor.findDomain(text, edited: true) == nil)
        guard let uuid = InstanceUUID(text) else { return }
        #expect(try await hypervisor.domain(uuid: uuid, edited: true) == nil)
        #expect(try await hypervisor.domain(DomainReference(uuid: uuid, name: "web"), edited: true) == nil)
    }

    @Test func `a stopped domain is unknown, but an operator can find it`() async throws {
        try await hypervisor.connect()
        let stopped = try #require(try await hypervisor.findDomain("stopped", edited: true))
        #expect(!stopped.isRunning)
        #expect(stopped.liveXML == stopped.inactiveXML)
        #expect(try await hypervisor.domain(uuid: stopped.uuid, edited: false) == nil)
        let listed = try #require(try await hypervisor.allDomains().first { $0.name == "stopped" })
        #expect(try await hypervisor.domain(listed, edited: true) == stopped)
    }

    @Test func `an operator finds a domain by UUID, name and ID`() async throws {
        try await hypervisor.connect()
        #expect(try await hypervisor.findDomain("web", edited: false)?.uuid == uuid)
        #expect(try await hypervisor.findDomain(Self.uuidText, edited: false)?.name == "web")
        #expect(try await hypervisor.findDomain(Self.uuidText.uppercased(), edited: false)?.name == "web")
        #expect(try await hypervisor.findDomain("1", edited: false)?.name == "web")
        #expect(try await hypervisor.findDomain("-1", edited: false) == nil)
        #expect(try await hypervisor.findDomain("99999999999", edited: false) == nil)
    }

    @Test func `active networks are listed and described`() async throws {
        try await hypervisor.connect()
        let networks = try await hypervisor.networks()
        #expect(networks.described.map(\.name) == ["guests"] && networks.unreadable.isEmpty)
        let guests = try #require(try await hypervisor.network(named: "guests"))
        #expect(guests == networks.described.first)
        #expect(guests.uuid == "04c96e1e-5b0f-4d0e-9f6a-5fb4f0d3f6c2")
        #expect(guests.xml.contains("<bridge name='virbr9'"))
        #expect(try await hypervisor.network(named: "nowhere") == nil)
    }

    @Test func `a metadata element is written where allowed, and removed`() async throws {
        let writer = Hypervisor(uri: "test://" + path, access: .writing) { _ in }
        try await writer.connect()
        let change = { (element: String?, uuid: InstanceUUID, isAllowed: Bool, expected: String?) async throws in
            try await writer.setMetadata(to: element, namespace: "urn:example:left", prefix: "left", ofDomain: uuid) { found in
                #expect(found == expected)
                return isAllowed
            }
        }
        #expect(try await change("<a>1 &lt; 2</a>", uuid, true, nil) == .made)
        #expect(try await change("<a>3</a>", uuid, false, "<a>1 &lt; 2</a>") == .notAllowed)
        let domain = try #require(try await writer.findDomain("web", edited: true))
        for xml in [domain.liveXML, try #require(domain.inactiveXML)] {
            #expect(xml.contains("<left:a xmlns:left=\"urn:example:left\">1 &lt; 2</left:a>"))
            #expect(xml.contains("north &amp; ñandú</x:zone>"))
        }
        #expect(try await change(nil, uuid, true, "<a>1 &lt; 2</a>") == .made)
        #expect(try await change(nil, uuid, true, nil) == .made)
        let unknown = try #require(InstanceUUID("00000000-0000-0000-0000-000000000000"))
        #expect(try await change("<a/>", unknown, true, nil) == .noDomain)

        let stopped = try #require(try await writer.findDomain("stopped", edited: false))
        #expect(try await change("<a/>", stopped.uuid, true, nil) == .made)
        #expect(try await writer.findDomain("stopped", edited: false)?.liveXML.contains("<left:a") == true)
    }

    @Test func `a read-only connection changes nothing`() async throws {
        try await hypervisor.connect()
        let error = await #expect(throws: LibvirtError.self) {
            try await hypervisor.setMetadata(to: "<a/>", namespace: "urn:a", prefix: "a", ofDomain: uuid) { _ in true }
        }
        #expect(error?.code == .operationDenied)
        #expect(error?.function == "virDomainSetMetadata")
    }

    @Test func `a driver without leases has none`() async throws {
        try await hypervisor.connect()
        #expect(try await hypervisor.leases(network: "guests").isEmpty)
        #expect(try await hypervisor.leases(network: "nowhere").isEmpty)
    }

    @Test func `a driver inside the process lacks only the event of a lost connection`() async throws {
        try await hypervisor.connect()
        #expect(await hypervisor.isConnected)
        let unavailable = await hypervisor.unavailableEvents
        #expect(unavailable.keys.contains(.connectionLoss))
        #expect(unavailable.values.allSatisfy { $0.code == .noSupport })
        await hypervisor.disconnect()
        #expect(await hypervisor.unavailableEvents.isEmpty)
    }

    /// Where a daemon ends while its client writes to it, the kernel sends this signal, and its default is the end of the client. The
    /// moment itself cannot be had at will: as a rule libvirt's own thread learns first that the daemon is gone.
    @Test func `a daemon that ends does not end its clients`() async throws {
        try await hypervisor.connect()
        #expect(raise(SIGPIPE) == 0)
    }

    @Test func `without a connection every query fails`() async throws {
        #expect(await !hypervisor.isConnected)
        let error = await #expect(throws: LibvirtError.self) { try await hypervisor.runningDomains() }
        #expect(error?.code == .invalidConnection)
        try await hypervisor.connect()
        await hypervisor.disconnect()
        await hypervisor.disconnect()
        #expect(await !hypervisor.isConnected)
        await #expect(throws: LibvirtError.self) { try await hypervisor.networks() }
    }

    @Test(
        arguments: [
            ("nonsense+nowhere:///system", .invalidArgument), ("qemu+unix:///system?socket=/nonexistent/socket", .systemError),
        ] as [(String, LibvirtError.Code)])
    func `a failed connection reports the function and the reason`(
        uri: String, code: LibvirtError.Code
    ) async throws {
        let hypervisor = Hypervisor(uri: uri, onHint: { _ in })
        let error = try #require(await #expect(throws: LibvirtError.self) { try await hypervisor.connect() })
        #expect(error.code == code)
        #expect(error.function == "virConnectOpenReadOnly")
        #expect(!error.message.isEmpty)
        #expect(error.description == "virConnectOpenReadOnly: \(error.message) (error \(code.rawValue))")
    }

    private static let node = """
        <node>
          <domain type='test'>
            <name>web</name>
            <uuid>\(uuidText)</uuid>
            <memory>65536</memory>
            <os><type>hvm</type></os>
            <metadata><x:zone xmlns:x='urn:example'>north &amp; ñandú</x:zone></metadata>
            <devices>
              <interface type='network'><mac address='52:54:00:00:00:01'/><source network='guests'/></interface>
            </devices>
          </domain>
          <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
            <name>stopped</name>
            <memory>65536</memory>
            <os><type>hvm</type></os>
            <test:runstate>5</test:runstate>
          </domain>
          <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
            <name>paused</name>
            <memory>65536</memory>
            <os><type>hvm</type></os>
            <test:runstate>3</test:runstate>
          </domain>
          <network>
            <name>guests</name>
            <uuid>04c96e1e-5b0f-4d0e-9f6a-5fb4f0d3f6c2</uuid>
            <bridge name='virbr9'/>
            <ip address='192.0.2.1' netmask='255.255.255.0'>
              <dhcp><range start='192.0.2.10' end='192.0.2.20'/></dhcp>
            </ip>
          </network>
        </node>
        """
}
