import Common
import NIOHTTP1
import RequestOracle
import TestSupport
import Testing

@testable import Guests

/// Parsing of a request's head.
struct GuestRequestTests {
    private static func request(
        _ method: HTTPMethod = .GET, _ target: String = "/", _ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1
    ) -> GuestRequest {
        RequestOracle.request(HTTPRequestHead(version: version, method: method, uri: target, headers: fields))
    }

    @Test func `a field that may occur once is absent, present or repeated`() {
        let read: [(String, (GuestRequest) -> FieldValue)] = [
            ("Host", \.fields.origin.host), ("X-aws-ec2-metadata-token", \.fields.token),
            ("X-aws-ec2-metadata-token-ttl-seconds", \.fields.tokenLifetime), ("X-Forwarded-For", \.fields.forwardedFor),
            ("X-Instance-ID", \.fields.agent.instance), ("X-Tenant-ID", \.fields.agent.project),
            ("X-Instance-ID-Signature", \.fields.agent.signature),
        ]
        for (name, value) in read {
            #expect(value(Self.request()) == .absent)
            for spelling in [name, name.lowercased(), name.uppercased()] {
                #expect(value(Self.request(.GET, "/", [spelling: "1"])) == .once("1"))
                for count in 2...3 {
                    let fields = HTTPHeaders(Array(repeating: (spelling, "1"), count: count))
                    #expect(value(Self.request(.GET, "/", fields)) == .repeated)
                }
            }
            #expect(value(Self.request(.GET, "/", [name + "x": "1", String(name.dropLast()): "1"])) == .absent)
        }
    }

    @Test func `fields of the same length are distinguished`() {
        let request = Self.request(
            .GET, "/", ["Vya": "1", "Hist": "1", "Accepp": "1", "X-Forwarded-Fur": "1", "Content-Lengtt": "9"])
        #expect(!request.fields.origin.isForwarded && request.fields.origin.host == .absent && request.fields.accept == nil)
        #expect(request.fields.forwardedFor == .absent && !request.hasBodyLength)
    }

    @Test func `the target is kept as sent, and parsed as a path`() {
        let request = Self.request(.GET, "/latest//meta-data/?a=b")
        #expect(request.path?.names == ["latest", "meta-data"])
        #expect(request.target == "/latest//meta-data/?a=b")
        #expect(request.authority == nil)
        #expect(Self.request(.GET, "/a%2fb").path == nil)
        #expect(Self.request(.GET, "http://a.example/latest?x").authority == "a.example")
        #expect(Self.request(.CONNECT, "http://a.example/").authority == nil)
        #expect(GuestRequest(reading: "/latest/").path?.names == ["latest"])
        #expect(GuestRequest(reading: "/").isReading)
    }

    @Test func `whether the connection may go on`() {
        #expect(Self.request().keepsAlive)
        #expect(!Self.request(.GET, "/", ["Connection": "close"]).keepsAlive)
        #expect(!Self.request(version: .http1_0).keepsAlive)
        #expect(Self.request(.GET, "/", ["Connection": "keep-alive"], version: .http1_0).keepsAlive)
        // HTTP/1.0 has no chunks: another reader may see the next request elsewhere.
        let chunked = ["Connection": "keep-alive", "Transfer-Encoding": "chunked"] as HTTPHeaders
        #expect(!Self.request(.PUT, "/", chunked, version: .http1_0).keepsAlive)
        #expect(Self.request(.PUT, "/", chunked).keepsAlive)
        #expect(!Self.request(.GET, "/", ["Upgrade": "h2c"]).keepsAlive)
        #expect(!Self.request(.CONNECT, "a:80").keepsAlive)
    }

    @Test func `what is said of the body`() {
        #expect(Self.request(.POST).contentLength == 0 && !Self.request(.POST).hasBodyLength)
        #expect(Self.request(.POST, "/", ["Content-Length": "12"]).contentLength == 12)
        #expect(Self.request(.POST, "/", ["Content-Length": "0"]).hasBodyLength)
        #expect(Self.request(.POST, "/", ["Transfer-Encoding": "chunked"]).hasBodyLength)
    }

    @Test func `marks of a browser, of a page and of a proxy`() {
        #expect(Self.request(.GET, "/", ["Origin": "null"]).fields.origin.isFromPage)
        #expect(Self.request(.GET, "/", ["SEC-FETCH-SITE": "none"]).fields.origin.isFromPage)
        #expect(Self.request(.GET, "/", ["Referer": ""]).fields.origin.hasMarkOfBrowser)
        #expect(Self.request(.GET, "/", ["User-Agent": "Mozilla/5.0"]).fields.origin.hasMarkOfBrowser)
        #expect(!Self.request(.GET, "/", ["User-Agent": "Cloud-Init/26.2"]).fields.origin.hasMarkOfBrowser)
        #expect(Self.request(.GET, "/", ["via": "1.1 squid"]).fields.origin.isForwarded)
        #expect(Self.request(.GET, "/", ["Forwarded": "for=a"]).fields.origin.isForwarded)
        #expect(!Self.request(.GET, "/", ["X-Forwarded-For": "192.0.2.1"]).fields.origin.isForwarded)
    }
}
