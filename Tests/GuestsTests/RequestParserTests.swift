import RequestOracle
import TestSupport
import Testing

@testable import Guests

/// Requests as bytes, whole and in pieces, read by our parser and by NIO's decoder.
struct RequestParserTests {
    private static func expectSame(_ text: String, _ location: SourceLocation = #_sourceLocation) {
        expectSame(Array(text.utf8), location)
    }

    private static func expectSame(_ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        for size in Set([1, 2, 3, 7, 64, max(1, bytes.count)]) {
            let difference = RequestOracle.difference(of: bytes, inPiecesOf: size)
            #expect(
                difference == nil,
                "\(String(decoding: bytes, as: UTF8.self).debugDescription) in pieces of \(size): \(difference ?? "")",
                sourceLocation: location)
        }
    }

    private static func isAccepted(_ text: String) -> Bool {
        RequestOracle.ours(Array(text.utf8), inPiecesOf: text.utf8.count).last == .end
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "GET  /a?b#c  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET /a HTTP/1.1\r\nConnection: keep-alive, close\r\n\r\n",
        "GET /a HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "HEAD http://a.example:80/x?y HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n", "GET hpp:// HTTP/1.0\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: 00000000000000000000000000000005\r\n\r\nhello",
        "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y;z=\"q\\\"\"\r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "PUT /t HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: \t60 \t\r\nX-Empty:\r\nAccept: a\r\nAccept: b\r\n\r\n",
        "GET /\u{e9} HTTP/1.1\r\nA: \u{e9}\r\n\r\n", "GET /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    ])
    func `honest requests`(_ text: String) {
        Self.expectSame(text)
    }

    @Test(arguments: [
        "GET /\r\n\r\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\nA: b\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\u{0}\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "get / HTTP/1.1\r\n\r\n", "GETS / HTTP/1.1\r\n\r\n",
        "FOO / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}", "GET a HTTP/1.1\r\n\r\n", "GET http:/a HTTP/1.1\r\n\r\n",
        "GET http://a@b@c/ HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx",
        "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\nx",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
    ])
    func `bytes that are no request`(_ text: String) {
        Self.expectSame(text)
        #expect(!Self.isAccepted(text))
    }

    @Test func `every byte at every kind of place`() {
        let places = [
            "?GET / HTTP/1.1\r\n\r\n", "G?T / HTTP/1.1\r\n\r\n", "GET? / HTTP/1.1\r\n\r\n", "GET ?/ HTTP/1.1\r\n\r\n",
            "GET /? HTTP/1.1\r\n\r\n",
            "GET /a?b HTTP/1.1\r\n\r\n", "GET h?://a/ HTTP/1.1\r\n\r\n", "GET http://a?b/ HTTP/1.1\r\n\r\n",
            "CONNECT a?b:1 HTTP/1.1\r\n\r\n", "GET / ?HTTP/1.1\r\n\r\n", "GET / HTTP/1.?\r\n\r\n", "GET / HTTP/?.1\r\n\r\n",
            "GET / HTTP/1.1?\r\n\r\n", "GET / HTTP/1.1\r?\r\n\r\n", "GET / HTTP/1.1\r\n?A: b\r\n\r\n",
            "GET / HTTP/1.1\r\nA?: b\r\n\r\n",
            "GET / HTTP/1.1\r\nA:?b\r\n\r\n", "GET / HTTP/1.1\r\nA: b?\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n?\r\n",
            "GET / HTTP/1.1\r\nConnection: close?\r\n\r\n", "GET / HTTP/1.1\r\nConnection: ?close\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: ?3\r\n\r\nabc", "POST / HTTP/1.1\r\nContent-Length: 3?\r\n\r\nabc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1?\r\nx\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a?b\r\nx\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"?\"\r\nx\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx?\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b?\r\n\r\n",
        ]
        for place in places {
            let parts = place.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
            for byte in UInt8.min...UInt8.max {
                let bytes = Array(parts[0]) + [byte] + Array(parts[1])
                for size in [1, bytes.count] {
                    let difference = RequestOracle.difference(of: bytes, inPiecesOf: size)
                    #expect(
                        difference == nil, "byte \(byte) in \(place.debugDescription), in pieces of \(size): \(difference ?? "")")
                }
            }
        }
    }

    @Test func `a head has a limit, whether it is complete or not`() {
        func outcome(_ text: String) -> [GuestConnection.Refusal?] {
            var parser = RequestParser(limits: .init(bytes: 20, fields: 2))
            let bytes = Array(text.utf8)
            var (offset, refusals): (Int, [GuestConnection.Refusal?]) = (0, [])
            while let event = parser.next(in: bytes.span, from: &offset, keptBody: { _, _ in 0 }) {
                if case .trouble(let refusal) = event { refusals.append(refusal) } else { refusals.append(nil) }
            }
            return refusals
        }
        #expect(outcome("GET / HTTP/1.1\r\nA: 123456789012345678\r\n\r\n") == [nil, nil])
        #expect(outcome("GET / HTTP/1.1\r\nA: 1234567890123456789\r\n\r\n") == [.headersTooLarge])
        #expect(outcome("GET / HTTP/1.1\r\nA: 1234567890123456") == [])
        #expect(outcome("GET / HTTP/1.1\r\nA: 12345678901234567890") == [.headersTooLarge])
        #expect(outcome("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaa") == [.headersTooLarge])
        #expect(outcome("GET / HTTP/1.1\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n") == [.headersTooLarge])
        // Trailers count with the fields; a chunk's extensions have a limit of their own.
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(outcome(chunked) == [.headersTooLarge])
        #expect(
            RequestOracle.ours(Array((chunked + "1;" + String(repeating: "a", count: 300)).utf8), inPiecesOf: 1000).last
                == .trouble)
    }

    @Test func `a whole request is read although much follows it`() {
        let text = String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 200)
        #expect(RequestOracle.ours(Array(text.utf8), inPiecesOf: 2048).count { $0 == .end } == 200)
    }

    @Test func `requests with random changes`() {
        var random = Dice(seed: 20)
        let seeds = [
            "GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent: x\r\nConnection: close\r\n\r\n",
            "POST /openstack/latest/password HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
            "PUT /latest/api/token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /\r\n",
        ]
        let pieces = [
            "\r\n", " ", ":", "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n", "\r", "\n", "\t", "HTTP/1.1", "0", "@",
            "://",
        ]
        for _ in 0..<3000 {
            var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(contentsOf: Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8), at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                }
            }
            let size = 1 + Int.random(in: 0..<bytes.count, using: &random)
            let difference = RequestOracle.difference(of: bytes, inPiecesOf: size)
            #expect(
                difference == nil,
                "\(String(decoding: bytes, as: UTF8.self).debugDescription) in pieces of \(size): \(difference ?? "")")
        }
    }
}
