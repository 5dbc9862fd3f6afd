import NIOHTTP1
import RequestOracle
import TestSupport
import Testing

@testable import Guests

@Suite struct AcceptanceTests {
    @Test(arguments: [
        ("application/json", true), ("Application/JSON", true), ("application/json;charset=utf-8", true),
        ("application/json, */*;q=0.8", true), ("text/plain;q=0.5, application/json", true), ("application/*", true),
        ("text/plain, application/json;q=0.5", false), ("application/json, text/plain, */*", false), ("*/*", false),
        ("application/json;q=0", false), ("text/html, application/xhtml+xml", false), ("", false), (";;,,;q=", false),
        ("application/json ; q=0.9, text/* ; q=0.1", true), ("application/jsonx", false),
    ]) func `a client that prefers JSON to text gets JSON`(field: String, wanted: Bool) {
        #expect(Acceptance(field)?.prefersJSON == wanted)
    }

    @Test func `without Accept a client gets text`() {
        #expect(Acceptance(nil)?.prefersJSON == false)
    }

    @Test func `an oversized Accept is ignored`() {
        let ranges = Array(repeating: "a/b", count: 15) + ["application/json"]
        #expect(Acceptance(ranges.joined(separator: ","))?.prefersJSON == true)
        #expect(Acceptance((["a/b"] + ranges).joined(separator: ",")) == nil)
        #expect(Acceptance("application/json;" + String(repeating: "x", count: 1007))?.prefersJSON == true)
        #expect(Acceptance("application/json;" + String(repeating: "x", count: 1008)) == nil)
    }

    @Test func `several fields are one list`() {
        let ranges = Array(repeating: "a/b", count: 15) + ["application/json"]
        let several = { (ranges: [String]) in
            let headers = HTTPHeaders(ranges.map { ("Accept", $0) })
            return RequestOracle.request(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers))
        }
        #expect(Acceptance(several(ranges).fields.accept)?.prefersJSON == true)
        #expect(Acceptance(several(["a/b"] + ranges).fields.accept) == nil)
    }

    @Test func `a long Accept is a bad request, and the versions are a listing for any Accept`()
        async throws
    {
        try await LiveServer.run { server in
            let long = "Accept: \(String(repeating: "a,", count: 40))a\r\n"
            #expect(try await server.get("/latest/meta-data/", fields: long).status == 400)
            #expect(try await server.get("/latest/meta-data/hostname", fields: long).status == 200)
            let json = "Accept: application/json\r\n"
            for path in ["/", "/ec2", "/ec2/"] {
                let versions = try await server.get(path, fields: json)
                #expect(versions.field("Content-Type")?.hasPrefix("text/plain") == true)
                #expect(versions.text.hasPrefix("1.0\n2007-01-19\n"))
            }
            #expect(try await server.get("/ec2/latest", fields: json).field("Content-Type") == "application/json")
        }
    }

    @Test func `a guest that prefers JSON gets a directory with its subtree, and leaves unchanged`() async throws {
        try await LiveServer.run { server in
            let json = "Accept: application/json\r\n"
            let directory = try await server.get("/latest/meta-data", fields: json)
            #expect(directory.field("Content-Type") == "application/json")
            #expect(directory.text.hasPrefix("{\"ami-launch-index\": \"0\", \"hostname\": \"web\", "))
            let leaf = try await server.get("/latest/meta-data/hostname", fields: json)
            #expect(leaf.field("Content-Type")?.hasPrefix("text/plain") == true && leaf.text == "web")
            let listing = try await server.get("/latest", fields: "Accept: application/json, text/plain, */*\r\n")
            #expect(listing.text == "dynamic/\nmeta-data/\nuser-data")
            // The OpenStack documents are JSON already, and their listing is one of files.
            let documents = try await server.get("/openstack/2012-08-10", fields: json)
            #expect(documents.text == "meta_data.json\nuser_data")
        }
    }
}
