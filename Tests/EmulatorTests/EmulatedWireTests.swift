import Emulator
import TestSupport
import Testing

/// The connections of `fixtures/wire` over those of an emulator: it drives its own, around the server's parser and states.
@Suite struct EmulatedWireTests {
    /// The guest `web` of those files.
    private static let domain = """
        <domain><name>web</name><uuid>00000000-0000-4000-8000-000000000001</uuid>
        <metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-1</instance-id>
        <userdata encoding='base64'>I2Nsb3VkLWNvbmZpZwpwYXNzd29yZDogY29ycmVjdC1ob3JzZQo=</userdata></instance></metadata>
        <devices><interface type='network'><mac address='52:54:00:00:00:02'/></interface></devices></domain>
        """

    /// Those of the guest itself: to an emulator every client is the guest, and none is a proxy or a stranger. Where tokens are
    /// forwarded, a proxy is believed.
    static let cases = (try? WireCase.all().filter { $0.guest == nil }) ?? []

    @Test func `most connections are the guest's own`() { #expect(Self.cases.count > 30) }

    @Test(arguments: cases) func `an emulated connection matches its file`(_ wire: WireCase) async throws {
        let folder = try TestFolder()
        let source = try EmulatorSource(reading: folder.write("web.xml", Self.domain))
        try await TestEmulator.run([source]) { (emulator) async throws in
            try await wire.play(over: emulator.connection())
        }
    }
}
