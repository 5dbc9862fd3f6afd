import NIOHTTP1
import Testing

@testable import Server

@Suite struct AcceptanceTests {
    @Test(arguments: [
        ("application/json", true), ("Application/JSON", true), ("application/json;charset=utf-8", true),
        ("application/json, */*;q=0.8", true), ("text/plain;q=0.5, application/json", true), ("application/*", true),
        ("text/plain, application/json;q=0.5", false), ("application/json, text/plain, */*", false), ("*/*", false),
        ("application/json;q=0", false), ("text/html, application/xhtml+xml", false), ("", false), (";;,,;q=", false),
        ("application/json ; q=0.9, text/* ; q=0.1", true), ("application/jsonx", false),
    ]) func `JSON is for who wants it more than text`(field: String, wanted: Bool) {
        #expect(Acceptance(["Accept": field]).prefersJSON == wanted)
    }

    @Test func `who does not say gets what everybody gets`() {
        #expect(!Acceptance([:]).prefersJSON)
    }

    @Test func `a guest that prefers JSON gets a directory with all below it, and leaves as they are`() async throws {
        try await LiveServer.run { server in
            let json = "Accept: application/json\r\n"
            let directory = try await server.get("/latest/meta-data", fields: json)
            #expect(directory.field("Content-Type") == "application/json")
            #expect(directory.text.hasPrefix("{\"ami-launch-index\": \"0\", \"hostname\": \"web\", "))
            let leaf = try await server.get("/latest/meta-data/hostname", fields: json)
            #expect(leaf.field("Content-Type")?.hasPrefix("text/plain") == true && leaf.text == "web")
            let listing = try await server.get("/latest", fields: "Accept: application/json, text/plain, */*\r\n")
            #expect(listing.text == "dynamic/\nmeta-data/\nuser-data")
            // The OpenStack documents are JSON as they are, and their list is one of files.
            let documents = try await server.get("/openstack/2012-08-10", fields: json)
            #expect(documents.text == "meta_data.json\nuser_data")
        }
    }
}
