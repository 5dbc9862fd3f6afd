import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Guests

/// How time, the kernel and the memory limit act on a connection.
struct ConnectionTimeTests {
    private static let timeouts = DrivenConnection.timeouts

    // MARK: Incomplete requests

    @Test func `a request's timeout begins with its first byte, however many reads it arrives in`() {
        let connection = DrivenConnection()
        for _ in 0..<Self.timeouts.request - 1 {
            connection.part(1)
            #expect(connection.pass(1).isEmpty)
        }
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a body has the rest of its request's timeout`() {
        let connection = DrivenConnection()
        connection.part(1)
        connection.pass(10)
        connection.head(.POST, ["Content-Length": "9"])
        connection.body("half")
        #expect(connection.pass(Self.timeouts.request - 11).isEmpty)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a second request has a timeout of its own`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        #expect(connection.pass(2 * Self.timeouts.request).isEmpty)
        connection.head(.POST, ["Content-Length": "9"])
        #expect(connection.pass(Self.timeouts.request - 1).isEmpty)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a part of a request that came with the request before it has its timeout from the reply to that`() {
        let connection = DrivenConnection()
        connection.ask()
        #expect(connection.value.readsMore)
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.replied() == .open, "it was not next")
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(Self.timeouts.request - 1).isEmpty)
        // More of it is no new beginning.
        connection.part(0, leaving: 30)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `bytes that are part of no request begin none`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.value.bytesArrived()
        connection.value.bytesParsed(2, leaving: 0)
        #expect(connection.pass(Self.timeouts.idle - 1).isEmpty)
        #expect(connection.pass(1) == [.close])
    }

    @Test func `a part of a request behind an unread reply has its timeout from when that is read`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.writability(false)
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(2 * Self.timeouts.request).isEmpty)
        connection.writability(true)
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(Self.timeouts.request - 1).isEmpty)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a part of a request of a guest beyond its rates has its timeout from when it is read again`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.value.pause()
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(ConnectionTimeouts.pause) == [.handleWaiting])
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(Self.timeouts.request - 1).isEmpty)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a part of a request behind one that waits is not next`() {
        let connection = DrivenConnection()
        connection.ask()
        #expect(connection.hold())
        connection.ask()
        #expect(connection.endHold())
        #expect(connection.replied() == .open)
        connection.value.requestBegan(parsed: 0, leaving: 20)
        #expect(connection.pass(2 * Self.timeouts.request).isEmpty)
        #expect(connection.takeAll() == [.nothing, .answer])
    }

    @Test func `a request after an unread reply has its timeout from when it is taken`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.writability(false)
        connection.head(.POST, ["Content-Length": "9"])
        #expect(connection.pass(2 * Self.timeouts.request).isEmpty)
        connection.writability(true)
        #expect(connection.takeAll() == [.nothing])
        #expect(connection.pass(Self.timeouts.request - 1).isEmpty)
        #expect(connection.pass(1) == [.refuse(.requestTimeout, toHead: false)])
    }

    @Test func `a connection without a request is closed without a reply`() {
        for asksBefore in [false, true] {
            let connection = DrivenConnection()
            if asksBefore {
                connection.pass(5)
                connection.askAndGetReply()
            }
            #expect(connection.pass(Self.timeouts.idle - 1).isEmpty)
            #expect(connection.pass(1) == [.close])
        }
    }

    // MARK: Held and deferred requests

    @Test func `a held request is retried with every tick until its timeout, and the connection goes on`() {
        let connection = DrivenConnection()
        #expect(connection.ask() == .answer)
        #expect(connection.hold())
        for _ in 0..<Self.timeouts.hold - 1 {
            #expect(connection.pass(1) == [.retry])
            #expect(connection.hold(), "nobody counts it a second time")
        }
        #expect(connection.tickWithoutEnd() == .retry)
        #expect(!connection.hold())
        #expect(connection.endHold())
        #expect(!connection.endHold(), "it is counted once")
        #expect(connection.replied() == .open)
        #expect(connection.ask() == .answer)
    }

    @Test func `a request that may not be held is answered at once`() {
        let connection = DrivenConnection()
        connection.ask()
        #expect(!connection.hold(isGranted: false))
        #expect(!connection.endHold())
        #expect(connection.replied() == .open)
    }

    @Test func `an effect has a timeout of its own, after which it is not waited for`() {
        let connection = DrivenConnection()
        connection.ask()
        let number = connection.beginEffect(limit: 20)
        #expect(!connection.value.readsMore)
        #expect(connection.pass(19).isEmpty)
        #expect(connection.pass(1) == [.answerUnavailable])
        #expect(connection.replied() == .open)
        #expect(!connection.effectEnded(number))
        connection.ask()
        let next = connection.beginEffect(limit: 20)
        #expect(!connection.effectEnded(number), "an old one is not taken for the new one")
        #expect(connection.effectEnded(next))
        #expect(!connection.effectEnded(next))
        #expect(connection.replied() == .open)
    }

    @Test func `the end of an effect after a disconnect is ignored`() {
        let connection = DrivenConnection()
        connection.ask()
        let number = connection.beginEffect(limit: 20)
        #expect(!connection.closed(), "it was not held")
        #expect(!connection.effectEnded(number))
        let held = DrivenConnection()
        held.ask()
        held.hold()
        #expect(held.closed())
        #expect(!held.closed())
    }

    @Test func `after a 429 no request is read for a while`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.value.pause()
        #expect(connection.replied() == .open)
        #expect(!connection.value.readsMore)
        #expect(connection.ask() == .nothing)
        #expect(connection.pass(ConnectionTimeouts.pause - 1).isEmpty)
        #expect(connection.pass(1) == [.handleWaiting])
        #expect(connection.takeAll() == [.nothing, .answer])
    }

    // MARK: Shutdown

    @Test func `an idle connection ends, and one that is new has time for its first request`() {
        let (idle, new, late) = (DrivenConnection(), DrivenConnection(), DrivenConnection())
        idle.askAndGetReply()
        #expect(idle.quiesce() == .finish)
        #expect(idle.lastBytesLeft() == .close)
        #expect(new.quiesce() == .nothing)
        #expect(new.askAndGetReply() == .closing)
        #expect(late.quiesce() == .nothing)
        #expect(late.pass(ConnectionTimeouts.farewell - 1).isEmpty)
        #expect(late.pass(1) == [.close])
    }

    @Test func `requests that have begun are answered, and no others`() {
        let (half, held, deferred, waiting) = (DrivenConnection(), DrivenConnection(), DrivenConnection(), DrivenConnection())
        half.head()
        #expect(half.quiesce() == .nothing)
        #expect(half.end() == .answer)
        #expect(!half.hold(), "nothing is held any more")
        #expect(half.replied() == .closing)

        held.ask()
        held.hold()
        #expect(held.quiesce() == .retry)
        #expect(!held.hold())
        #expect(held.endHold())
        #expect(held.replied() == .closing)

        deferred.ask()
        let number = deferred.beginEffect(limit: 20)
        #expect(deferred.quiesce() == .nothing)
        #expect(deferred.effectEnded(number))
        #expect(deferred.replied() == .closing)

        waiting.askAndGetReply()
        waiting.writability(false)
        waiting.ask()
        waiting.ask()
        #expect(waiting.quiesce() == .nothing)
        waiting.writability(true)
        #expect(waiting.next() == .nothing)
        #expect(waiting.next() == .answer)
        #expect(waiting.replied() == .closing)
        #expect(waiting.next() == nil)
    }

    // MARK: Reading of replies

    @Test func `a guest that reads its reply is not idle, and one that does not is closed`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.value.wrote(1 << 20)
        connection.writability(false)
        for left in [900_000, 800_000, 700_000] {
            connection.pass(Self.timeouts.idle - 1)
            connection.value.watched(left)
        }
        #expect(connection.pass(Self.timeouts.idle - 1).isEmpty)
        connection.value.watched(700_000)
        #expect(connection.pass(1) == [.close])
    }

    @Test func `a guest that reads next to nothing is dropped, though it reads`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.value.wrote(1 << 20)
        connection.value.looked(at: 1 << 19)
        #expect(connection.value.hasUnread && connection.value.hasMuchUnread)
        #expect(connection.value.isReadingDue)
        #expect(connection.confirmed(allBut: 1 << 16) == .nothing)
        connection.pass(Self.timeouts.reading)
        #expect(connection.value.isReadingDue)
        connection.value.looked(at: 1 << 19 - 1)
        #expect(connection.confirmed(allBut: 1 << 16) == .drop(.slowReading))
        connection.value.allWritten()
        #expect(!connection.value.isReadingDue && !connection.value.hasUnread)
    }

    @Test func `a channel that becomes writable again has written everything, except during a write`() {
        let connection = DrivenConnection()
        connection.askAndGetReply()
        connection.value.wrote(100_000)
        #expect(connection.writability(false, whileWriting: true) == .nothing)
        #expect(connection.writability(true, whileWriting: true) == .nothing)
        #expect(connection.value.hasUnread)
        #expect(connection.writability(false) == .handleWaiting)
        #expect(connection.value.hasUnread && !connection.value.readsMore)
        #expect(connection.writability(true) == .handleWaiting)
        #expect(!connection.value.hasUnread && connection.value.readsMore)
    }

    // MARK: Memory

    @Test func `incomplete heads, waiting parts and unread replies count, beyond the free amount`() {
        let connection = DrivenConnection()
        connection.part(GuestMemory.free / 2)
        #expect(connection.value.kept == 0)
        connection.part(1000, leaving: 500)
        #expect(connection.value.kept == 3000, "twice what has come, parsed or not")
        connection.head()
        #expect(connection.end() == .answer)
        #expect(connection.replied() == .open)
        #expect(connection.value.kept == 0)

        connection.value.wrote(100_000)
        connection.writability(false)
        connection.value.looked(at: 50_000)
        let unread = connection.value.kept
        #expect(unread == 100_000 - GuestMemory.free)
        connection.ask()
        #expect(connection.value.kept == unread + 1024, "two parts")
    }

    @Test func `a part of a request that came with the request before it counts`() {
        let connection = DrivenConnection()
        connection.ask()
        connection.value.bytesParsed(3000, leaving: 8000)
        _ = connection.replied()
        #expect(connection.value.kept == 0)
        connection.value.requestBegan(parsed: 1000, leaving: 8000)
        #expect(connection.value.kept == 18_000 - GuestMemory.free)
        connection.part(5000, leaving: 6000)
        #expect(connection.value.kept == 24_000 - GuestMemory.free)
    }

    @Test func `a head without memory for it is refused, and its received part stays counted`() {
        let connection = DrivenConnection()
        connection.part(10_000)
        let kept = connection.value.kept
        connection.value.grant(kept)
        connection.value.bytesParsed(10_000, leaving: 0)
        #expect(connection.value.kept > kept)
        #expect(connection.memoryRefused() == .refuse(.unavailable, toHead: false))
        #expect(connection.value.kept == kept && connection.value.granted == kept)
        #expect(connection.lastBytesLeft() == .closeOutput)
    }

    @Test func `a connection with unread replies is closed where there is no memory for them`() {
        let idle = DrivenConnection()
        idle.askAndGetReply()
        #expect(idle.memoryRefused() == .close)
        let receiving = DrivenConnection()
        receiving.askAndGetReply()
        receiving.value.wrote(100_000)
        receiving.value.looked(at: 100_000)
        receiving.head()
        #expect(receiving.memoryRefused() == .close)
    }
}
