import Common
import Dispatch
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Guests

/// Signatures of documents, made outside the event loops.
struct DocumentSignaturesTests {
    private struct NoMemory: Error {}

    /// A signer that counts, and that can be made to wait or to fail.
    private final class Pen: Sendable {
        let count = Atomic(0)
        let fails = Atomic(false)
        /// Lets one waiting signature proceed with each signal.
        let gate = DispatchSemaphore(value: 0)
        private let isGated: Bool

        init(isGated: Bool = false) { self.isGated = isGated }

        func sign(_ document: [UInt8]) throws -> DocumentSignatures.Forms {
            if isGated { gate.wait() }
            count.add(1, ordering: .relaxed)
            if fails.load(ordering: .relaxed) { throw NoMemory() }
            return DocumentSignatures.Forms(signature: "signature \(document)", signedDocument: "signed \(document)")
        }
    }

    private final class Count: Sendable {
        private let count = Atomic(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }

    private func signatures(
        _ pen: Pen, snapshot: @escaping @Sendable () -> Snapshot = { Guests.snapshot },
        log: @escaping @Sendable (LogEvent) -> Void = { _ in }
    ) -> DocumentSignatures {
        DocumentSignatures(snapshot: snapshot, logger: RecordingLog.logger(log)) { try pen.sign($0) }
    }

    /// Has a document signed, and waits for it.
    private func made(_ signatures: DocumentSignatures, _ document: [UInt8], _ instance: Instance) async -> String? {
        await withCheckedContinuation { continuation in
            signatures.make(of: document, about: instance) { seal in
                continuation.resume(returning: try? seal?.signature(document, instance))
            }
        }
    }

    @Test func `a document is signed once, and its signature is used for no other bytes and no other instance`() async throws {
        let pen = Pen()
        let signatures = signatures(pen)
        let (one, other) = (
            try #require(Guests.instance(1, "a", mac: Guests.mac)), try #require(Guests.instance(2, "b", mac: Guests.mac))
        )
        #expect(throws: Unsigned.wanted([1])) { try signatures.seal.signature([1], one) }
        #expect(await made(signatures, [1], one) == "signature [1]")
        for _ in 0..<3 {
            #expect(try signatures.seal.signature([1], one) == "signature [1]")
            #expect(try signatures.seal.signedDocument([1], one) == "signed [1]")
        }
        #expect(throws: Unsigned.wanted([2])) { try signatures.seal.signature([2], one) }
        #expect(throws: Unsigned.wanted([1])) { try signatures.seal.signature([1], other) }
        #expect(pen.count.load(ordering: .relaxed) == 1)
    }

    @Test func `the signatures of each instance's last document are kept, and of removed instances none`() async throws {
        let known = Guests.snapshot
        let (signatures, web) = (signatures(Pen()), try #require(known.all.first?.instance))
        for number in 0..<100 { #expect(await made(signatures, [UInt8(number)], web) != nil) }
        #expect(signatures.present.kept == 1)
        for number in 0..<63 {
            let uuid = try #require(InstanceUUID("00000000-0000-4000-9000-0000000000\(number + 10)"))
            let names = InstanceNames(domain: uuid, domainName: "x", uuid: uuid, id: "i", name: "x", hostname: "x")
            _ = await made(signatures, [1], Instance(names: names, launch: LaunchFacts(type: "x")))
        }
        #expect(signatures.present.kept == 64)
        // The next one causes those to be dropped that the snapshot does not contain.
        let other = try #require(known.all.last?.instance)
        #expect(await made(signatures, [1], other) != nil)
        #expect(signatures.present.kept == 2)
    }

    @Test func `many requests at once share one signature, and those beyond the bounds fail at once`() async throws {
        let pen = Pen(isGated: true)
        let (served, refused) = (Count(), Count())
        let signatures = signatures(pen)
        func make(_ document: [UInt8], _ instance: Instance) {
            signatures.make(of: document, about: instance) { seal in
                (seal == nil ? refused : served).add()
            }
        }
        let web = try #require(Guests.instance(1, "web", mac: Guests.mac))
        for _ in 0..<100 { make([1], web) }
        #expect(refused.value == 100 - DocumentSignatures.mostWaitingPerDocument)
        for number in 1..<DocumentSignatures.mostWaiting + 10 { make([1, UInt8(number & 0xFF), UInt8(number >> 8)], web) }
        #expect(refused.value == 100 - DocumentSignatures.mostWaitingPerDocument + 10)
        #expect(signatures.present.waiting == DocumentSignatures.mostWaiting)
        for _ in 0..<DocumentSignatures.mostWaiting { pen.gate.signal() }
        // One thread signs in the order of arrival: the document requested last is signed last.
        pen.gate.signal()
        while signatures.present.waiting >= DocumentSignatures.mostWaiting { await Task.yield() }
        #expect(await made(signatures, [9], web) == "signature [9]")
        #expect(served.value == DocumentSignatures.mostWaitingPerDocument + DocumentSignatures.mostWaiting - 1)
        #expect(pen.count.load(ordering: .relaxed) == DocumentSignatures.mostWaiting + 1)
        #expect(signatures.present.waiting == 0)
    }

    @Test func `a failing signature is logged once, and once that it works again`() async throws {
        let lines = Locked<[String]>([])
        let pen = Pen()
        let signatures = signatures(pen, log: { event in lines.withLock { $0.append("\(event.level) \(event.message)") } })
        let web = try #require(Guests.instance(1, "web", mac: Guests.mac))
        pen.fails.store(true, ordering: .relaxed)
        for _ in 0..<3 { #expect(await made(signatures, [1], web) == nil) }
        #expect(signatures.present.kept == 0)
        pen.fails.store(false, ordering: .relaxed)
        for _ in 0..<3 { #expect(await made(signatures, [1], web) == "signature [1]") }
        #expect(
            lines.withLock { $0 } == [
                "error cannot sign identity documents; requests for signatures get 503",
                "notice signing of identity documents works again",
            ])
    }

    // MARK: Over a connection

    private static let path = "/latest/dynamic/instance-identity"

    @Test func `while one guest's document is being signed, the loop serves other guests`() async throws {
        let pen = Pen(isGated: true)
        try await LiveServer.run(seal: signatures(pen)) { server in
            let connection = try server.connection()
            try await connection.send("GET \(Self.path)/signature HTTP/1.1\r\n\r\n")
            // The only loop answers other guests, and this guest too, over another connection.
            for guest in [Guests.big, Guests.web] {
                #expect(try await server.get("/latest/meta-data/instance-id", as: guest).status == 200)
                #expect(try await server.get("\(Self.path)/document", as: guest).status == 200)
            }
            #expect(pen.count.load(ordering: .relaxed) == 0)
            pen.gate.signal()
            let reply = try await connection.reply()
            #expect(reply.status == 200 && reply.text.hasPrefix("signature ["))
            // All other forms of it exist now, also within an object.
            #expect(try await server.get("\(Self.path)/pkcs7").text.hasPrefix("signed ["))
            let object = try await server.get("/latest/dynamic", fields: "Accept: application/json\r\n")
            #expect(object.status == 200 && object.text.contains("\"signature\": \"signature ["))
            #expect(pen.count.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `a signature that cannot be made is 503, and the connection goes on`() async throws {
        let pen = Pen()
        pen.fails.store(true, ordering: .relaxed)
        try await LiveServer.run(seal: signatures(pen)) { server in
            let connection = try server.connection()
            try await connection.send("GET \(Self.path)/rsa2048 HTTP/1.1\r\n\r\n")
            let reply = try await connection.reply()
            #expect(reply.status == 503 && reply.field("Retry-After") == "5")
            try await connection.send("GET \(Self.path)/document HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply().status == 200)
        }
    }

    @Test func `an instance that changes is signed anew`() async throws {
        let pen = Pen()
        let board = SnapshotBoard()
        try await LiveServer.run(board: board, seal: signatures(pen)) { server in
            let before = try await server.get("\(Self.path)/signature").text
            var changed = Guests.snapshot
            let web = try #require(changed.all.first { $0.instance.domainName == "web" }?.instance)
            changed.insert(Instance(names: web.names, launch: LaunchFacts(type: "large"), interfaces: web.interfaces))
            board.publish(changed)
            let after = try await server.get("\(Self.path)/signature").text
            #expect(before != after && before.hasPrefix("signature [") && after.hasPrefix("signature ["))
            #expect(pen.count.load(ordering: .relaxed) == 2)
        }
    }
}
