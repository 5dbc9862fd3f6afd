import Common
import EC2API
import Emulator
import Foundation
import OpenStackAPI
import TestSupport
import Testing

@Suite struct EmulatorSourceTests {
    private static let domain = """
        <domain><name>web</name><uuid>6f0d1c7e-0000-4000-8000-000000000001</uuid>
        <devices><interface type='network'><mac address='52:54:00:0e:00:01'/></interface></devices></domain>
        """

    @Test func `the example has a value for every entry of every tree`() async throws {
        try await TestEmulator.run { emulator in
            let client = try emulator.client()
            let mac = "52:54:00:12:34:56"
            for entry in EC2View.entries {
                // The operator's own files are not an entry of Amazon's tree.
                guard entry.path != "additional" else { continue }
                let path = entry.path.replacing("<mac>", with: mac)
                #expect(try client.request("GET", "/latest/\(path)").status == 200, "\(path)")
            }
            for file in OpenStackView.files { #expect(try client.request("GET", "/openstack/latest/\(file.name)").status == 200) }
            for file in ["meta-data", "user-data", "vendor-data", "network-config"] {
                #expect(try client.request("GET", "/nocloud/\(file)").body.isEmpty == false, "\(file)")
            }
        }
        let findings = try EmulatorSource.builtIn().findings
        #expect(findings == [])
    }

    @Test func `a file of domain XML is served, from an address of libvirt's default network`() async throws {
        let folder = try TestFolder()
        let source = try EmulatorSource(reading: folder.write("web.xml", Self.domain))
        #expect(source.name == "web")
        try await TestEmulator.run([source]) { (emulator) async throws in
            #expect(try emulator.get("/latest/meta-data/hostname").text == "web")
            #expect(try emulator.get("/latest/meta-data/local-ipv4").text == "192.168.122.3")
        }
    }

    @Test func `a URL is not a source`() {
        let error = #expect(throws: EmulatorError.self) { try EmulatorSource(reading: "http://192.0.2.1/") }
        let advice = "record the server with 'virt-metadata crawl URL -o FOLDER', and give FOLDER"
        #expect(error?.description.hasSuffix(advice) == true)
    }

    @Test func `a FIFO is read from its writer, and not waited for without end`() async throws {
        let folder = try TestFolder()
        let fifo = "\(folder.path)/fifo"
        try Command.succeed(["mkfifo", fifo])
        let start = ContinuousClock.now
        let error = #expect(throws: EmulatorError.self) { try EmulatorSource(reading: fifo) }
        #expect(error?.description.hasPrefix("\(fifo): a FIFO into which no program has written for 10 s") == true)
        #expect(start.duration(to: .now) < .seconds(60))
        try folder.write("web.xml", Self.domain)
        let writer = Task { try Command.run(["sh", "-c", "sleep 0.3; cat '\(folder.path)/web.xml' > '\(fifo)'"]) }
        #expect(try EmulatorSource(reading: fifo).name == "web")
        #expect(try await writer.value.status == 0)
    }

    @Test func `a fixture folder has networks and the address of its guest`() async throws {
        let folder = try TestFolder()
        try folder.write("domain.xml", Self.domain.replacing("</interface>", with: "<source network='lan'/></interface>"))
        try folder.write(
            "networks/lan.xml",
            """
            <network><name>lan</name><uuid>6f0d1c7e-0000-4000-8000-000000000009</uuid><bridge name='virbr9'/>
            <ip address='10.1.1.1' prefix='24'><dhcp><range start='10.1.1.2' end='10.1.1.9'/></dhcp></ip></network>
            """)
        try folder.write("client", "10.1.1.7\n")
        let source = try EmulatorSource(reading: folder.path)
        try await TestEmulator.run([source]) { (emulator) async throws in
            #expect(try emulator.get("/latest/meta-data/local-ipv4").text == "10.1.1.7")
            let subnet = "/latest/meta-data/network/interfaces/macs/52:54:00:0e:00:01/subnet-ipv4-cidr-block"
            #expect(try emulator.get(subnet).text == "10.1.1.0/24")
        }
    }

    @Test func `what cannot be used is reported with file and line, and the rest is served`() throws {
        let folder = try TestFolder()
        let xml = Self.domain.replacing(
            "<devices>",
            with: "<metadata><instance xmlns='urn:virt-metadata:instance:1'>\n<hostnam>x</hostnam></instance></metadata><devices>"
        )
        let path = try folder.write("web.xml", xml)
        let findings = try EmulatorSource(reading: path).findings
        #expect(findings.contains { $0.hasPrefix("\(path): line 3: hostnam") }, "\(findings)")
    }

    @Test func `a source that is none is refused with its file and reason`() throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(at: folder.url.appending(path: "empty"), withIntermediateDirectories: true)
        let cases: [(path: String, reason: String)] = [
            (folder.path + "/missing.xml", "cannot be read: No such file or directory"),
            (folder.path + "/empty", "expected a folder with domain.xml or recording.json"),
            (try folder.write("text.xml", "not xml"), "invalid domain XML: line 1"),
            (try folder.write("network.xml", "<network><name>x</name></network>"), "not <domain>"),
            (try folder.write("bad/domain.xml", "<domain"), "invalid domain XML"),
            (try folder.write("recording/recording.json", "{}"), "recording.json"),
        ]
        for (path, reason) in cases {
            let isFolder = path.hasSuffix("/domain.xml") || path.hasSuffix("/recording.json")
            let source = isFolder ? URL(filePath: path).deletingLastPathComponent().path : path
            let error = #expect(throws: EmulatorError.self) { try EmulatorSource(reading: source) }
            #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
            #expect(error?.description.hasPrefix(source) == true, "\(error?.description ?? "")")
        }
    }

    @Test func `an address that is none, and a domain without an interface, are refused`() throws {
        let folder = try TestFolder()
        try folder.write("domain.xml", Self.domain)
        try folder.write("client", "here\n")
        let address = #expect(throws: EmulatorError.self) { try EmulatorSource(reading: folder.path) }
        #expect(address?.description.hasSuffix("client: expected the IP address of the guest") == true)
        let alone = try folder.write(
            "alone.xml", "<domain><name>alone</name><uuid>6f0d1c7e-0000-4000-8000-000000000001</uuid></domain>")
        let error = #expect(throws: EmulatorError.self) {
            try EmulatedInstance(EmulatorSource(reading: alone), clock: RealClock())
        }
        #expect(error?.description.contains("add an <interface> with a <mac>") == true)
    }

    @Test func `several sources of one name get names of their own`() throws {
        let names = try EmulatorSource.distinguishing([.builtIn(), .builtIn(), .builtIn().named("x"), .builtIn()]).map(\.name)
        #expect(names == ["example", "example-2", "x", "example-3"])
    }
}
