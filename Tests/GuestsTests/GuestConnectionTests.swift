import Common
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Guests

/// Arrivals over a connection, and the order in which they are answered.
struct GuestConnectionTests {
    // MARK: One request

    @Test func `a request is answered when it is complete, and the connection goes on as its protocol says`() {
        let connection = DrivenConnection()
        #expect(connection.head() == .nothing)
        #expect(connection.end() == .answer)
        #expect(connection.replied() == .open)
        #expect(connection.value.request == nil)
        #expect(connection.askAndGetReply(["Connection": "keep-alive"], version: .http1_0) == .keptAlive)
        #expect(connection.askAndGetReply(["Connection": "close"]) == .closing)
        #expect(!connection.value.acceptsRequests)
        #expect(DrivenConnection().askAndGetReply(version: .http1_0) == .closing)
        #expect(DrivenConnection().askAndGetReply(["Upgrade": "h2c"]) == .closing)
    }

    @Test func `bytes after the last reply are dropped, and only the server's half is closed at first`() {
        let connection = DrivenConnection()
        connection.askAndGetReply(["Connection": "close"])
        #expect(connection.ask() == .nothing)
        #expect(connection.lastBytesLeft() == .closeOutput)
        #expect(connection.pass(ConnectionTimeouts.lingering - 1).isEmpty)
        #expect(connection.pass(1) == [.close])
        let silent = DrivenConnection()
        silent.askAndGetReply(["Connection": "close"])
        #expect(silent.lastBytesLeft() == .close)
    }

    @Test func `invalid bytes are refused once, and later ones dropped`() {
        let connection = DrivenConnection()
        connection.value.bytesArrived()
        #expect(connection.arrived(.trouble(.badRequest)) == .refuse(.badRequest, toHead: false))
        #expect(connection.arrived(.trouble(.badRequest)) == .nothing)
        #expect(connection.lastBytesLeft() == .closeOutput)
    }

    @Test func `a guest that half-closes gets all its replies`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.hold()
        #expect(connection.arrived(.inputClosed) == .nothing)
        #expect(connection.pass(1) == [.retry])
        #expect(connection.endHold())
        #expect(connection.replied() == .open)
        #expect(connection.takeAll() == [.finish])
        #expect(connection.lastBytesLeft() == .close)
    }

    // MARK: Bodies

    @Test func `a body is counted, and its beginning kept on request`() {
        let connection = DrivenConnection()
        connection.head(.POST, ["Content-Length": "8"], keptBody: 6)
        #expect(connection.body("1234") == .nothing)
        #expect(connection.body("5678") == .nothing)
        #expect(connection.end() == .answer)
        #expect(connection.value.body == Array("123456".utf8))
        _ = connection.replied()
        connection.head(.POST, ["Content-Length": "4"])
        connection.body("1234")
        #expect(connection.end() == .answer)
        #expect(connection.value.body.isEmpty, "nothing of the last one, and nothing where nobody wants it")
    }

    @Test func `a body beyond the limit is refused when it is announced, and when it arrives`() {
        #expect(DrivenConnection().head(.POST, ["Content-Length": "1000"]) == .nothing)
        #expect(DrivenConnection().head(.POST, ["Content-Length": "1001"]) == .refuse(.payloadTooLarge, toHead: false))
        #expect(DrivenConnection().head(.HEAD, ["Content-Length": "1001"]) == .refuse(.payloadTooLarge, toHead: true))
        let chunked = DrivenConnection()
        chunked.head(.POST, ["Transfer-Encoding": "chunked"])
        #expect(chunked.body(String(repeating: "x", count: 1000)) == .nothing)
        #expect(chunked.body("x") == .refuse(.payloadTooLarge, toHead: false))
        #expect(chunked.end() == .nothing)
    }

    @Test func `a guest that expects 100 Continue gets it, unless it has no body or an older protocol`() {
        let fields: HTTPHeaders = ["Expect": "100-Continue", "Content-Length": "4"]
        #expect(DrivenConnection().head(.POST, fields) == .sendContinue)
        #expect(DrivenConnection().head(.POST, ["Expect": "100-continue", "Transfer-Encoding": "chunked"]) == .sendContinue)
        #expect(DrivenConnection().head(.POST, fields, version: .http1_0) == .nothing)
        #expect(DrivenConnection().head(.POST, ["Expect": "100-continue"]) == .nothing)
        #expect(DrivenConnection().head(.POST, ["Expect": "100-continue", "Content-Length": "1001"]) != .sendContinue)
    }

    // MARK: Waiting parts

    @Test func `requests after a held one wait, and are answered in order`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.hold()
        #expect(!connection.value.readsMore)
        connection.ask(.HEAD)
        connection.arrived(.trouble(.headersTooLarge)).expectNothing()
        #expect(connection.takeAll().isEmpty)
        #expect(connection.endHold())
        #expect(connection.replied() == .open)
        #expect(connection.next() == .nothing, "a head")
        #expect(connection.next() == .answer)
        #expect(connection.value.request?.method == .HEAD)
        connection.hold()
        #expect(connection.next() == nil, "the next one is held too")
        #expect(connection.endHold())
        #expect(connection.replied() == .open)
        #expect(connection.takeAll() == [.refuse(.headersTooLarge, toHead: false)])
    }

    @Test func `requests that arrive faster than the guest reads wait until the kernel has all replies`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.writability(false)
        #expect(!connection.value.readsMore)
        #expect(connection.ask() == .nothing)
        #expect(connection.takeAll().isEmpty)
        connection.writability(true)
        #expect(connection.takeAll() == [.nothing, .answer])
    }

    @Test func `beyond the waiting limit the request under way is answered, and the connection ends`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.hold()
        for _ in 0..<ArrivalQueue.most / 2 { connection.ask() }
        #expect(connection.head() == .report(.waitingRequests))
        for _ in 0..<100 { #expect(connection.ask() == .nothing) }
        #expect(connection.value.kept == 0, "what waited is dropped")
        #expect(connection.endHold())
        #expect(connection.replied() == .open)
        #expect(connection.takeAll() == [.finish])
        #expect(connection.lastBytesLeft() == .closeOutput, "so that the reply can be read")
    }

    @Test func `as many as may wait are taken in order`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.hold()
        for _ in 0..<ArrivalQueue.most / 2 { connection.ask() }
        #expect(connection.endHold())
        for _ in 0..<ArrivalQueue.most / 2 {
            #expect(connection.replied() == .open)
            #expect(connection.next() == .nothing)
            #expect(connection.next() == .answer)
        }
        #expect(connection.next() == nil)
    }

    // MARK: Domain runs

    @Test func `a connection is about one run of one domain`() throws {
        let (first, second) = (try Self.run(of: 1), try Self.run(of: 2))
        let connection = DrivenConnection()
        #expect(connection.belongs(to: nil))
        #expect(connection.belongs(to: first))
        #expect(connection.belongs(to: nil), "a refusal is about nobody")
        #expect(connection.belongs(to: first))
        #expect(!connection.belongs(to: second))
        let proxy = DrivenConnection(standsForMany: true)
        #expect(proxy.belongs(to: first) && proxy.belongs(to: second))
    }

    @Test func `a connection is ended at once when its port changes hands`() {
        let held = DrivenConnection()
        held.ask()
        held.hold()
        #expect(held.passToAnother() == .abort)
        #expect(held.closed(), "and its hold with it")
        #expect(DrivenConnection().quiesce(isAnothers: true) == .abort)
        #expect(DrivenConnection().passToAnother() == .abort)
    }

    private static func run(of number: Int) throws -> DomainRun {
        let mac = try #require(MACAddress("52:54:00:00:00:0\(number)"))
        var snapshot = Snapshot()
        snapshot.insert(try #require(Guests.instance(number, "guest", mac: "\(mac)")))
        return try snapshot.match(Client(address: IPAddress(v4: 1), mac: mac)).get().run
    }
}

extension GuestConnection.Action {
    fileprivate func expectNothing() { #expect(self == .nothing) }
}
