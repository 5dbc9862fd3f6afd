package import Common
import Dispatch
package import Identity
package import Logging
import NIOCore

/// The signatures of instances' documents: made one at a time on a separate thread, because each takes a millisecond or more, and
/// kept until the same document is requested again.
///
/// For each instance the last signed document's signatures are kept, and only served for those very bytes: a former state of an
/// instance is of no use to it, and no guest can have more than one kept.
package final class DocumentSignatures: Sendable {
    /// The forms in which a document is signed.
    package struct Forms: Sendable, Equatable {
        /// The detached signature.
        let signature: String
        /// The document together with its signature.
        let signedDocument: String

        package init(signature: String, signedDocument: String) {
            (self.signature, self.signedDocument) = (signature, signedDocument)
        }
    }

    /// How long a request waits at most: longer than signing all documents that can wait takes.
    package static let limit = Duration.seconds(10)
    /// How many documents may wait to be signed: a rack of guests that boots at once, and a second or two of work.
    static let mostWaiting = 1024
    /// How many requests may wait for one document, which is signed once for all of them.
    static let mostWaitingPerDocument = 64
    /// How many instances' signatures are kept, at about four kibibytes each; beyond that all are dropped and made again.
    static let mostKept = 4096

    private typealias Done = @Sendable (Forms?) -> Void

    private struct Key: Hashable {
        let domain: InstanceUUID
        let document: [UInt8]
    }

    private struct State {
        var kept: [InstanceUUID: (document: [UInt8], forms: Forms)] = [:]
        /// When to drop the signatures of removed instances.
        var limit = TableLimit(fewest: 64, most: DocumentSignatures.mostKept)
        /// The waiting documents in the order of their arrival, the one being signed among them, and the callbacks of each.
        var order = CircularBuffer<Key>()
        var waiting: [Key: [Done]] = [:]
        var isWorking = false
        /// Whether the last attempt failed, which has been logged.
        var isFailing = false
    }

    private let sign: @Sendable ([UInt8]) throws -> Forms
    private let snapshot: @Sendable () -> Snapshot
    private let logger: Logger
    private let queue = DispatchQueue(label: "document-signatures")
    private let state = Locked(State())

    /// - Parameters:
    ///   - snapshot: the current snapshot.
    ///   - sign: makes the forms of a document's signature.
    package init(
        snapshot: @escaping @Sendable () -> Snapshot, logger: Logger, sign: @escaping @Sendable ([UInt8]) throws -> Forms
    ) {
        (self.snapshot, self.logger, self.sign) = (snapshot, logger, sign)
    }

    package convenience init(by signer: DocumentSigner, board: SnapshotBoard, logger: Logger) {
        self.init(snapshot: { board.snapshot }, logger: logger) { document in
            Forms(signature: try signer.signature(of: document), signedDocument: try signer.signedData(of: document))
        }
    }

    /// The seal for a request: kept signatures are returned at once, others throw ``Unsigned``.
    package var seal: DocumentSeal {
        DocumentSeal { [self] document, instance throws(Unsigned) in
            try kept(document, instance).signature
        } signedDocument: { [self] document, instance throws(Unsigned) in
            try kept(document, instance).signedDocument
        }
    }

    private func kept(_ document: [UInt8], _ instance: Instance) throws(Unsigned) -> Forms {
        guard let kept = state.withLock({ $0.kept[instance.domain] }), kept.document == document else { throw .wanted(document) }
        return kept.forms
    }

    /// Has a document about an instance signed; returns at once.
    ///
    /// - Parameter done: called once, on any thread, with a seal of this document alone; with `nil` where it cannot be signed, or
    ///   where too many wait.
    func make(of document: [UInt8], about instance: Instance, done: @escaping @Sendable (DocumentSeal?) -> Void) {
        let key = Key(domain: instance.domain, document: document)
        let (isTaken, begins) = state.withLock { state -> (Bool, Bool) in
            let count = state.waiting[key]?.count
            guard count.map({ $0 < Self.mostWaitingPerDocument }) ?? (state.waiting.count < Self.mostWaiting) else {
                return (false, false)
            }
            if count == nil { state.order.append(key) }
            state.waiting[key, default: []].append { done($0.map { forms in Self.seal(of: document, forms) }) }
            defer { state.isWorking = true }
            return (true, !state.isWorking)
        }
        guard isTaken else { return done(nil) }
        if begins { queue.async { self.work() } }
    }

    /// A seal that is valid for one document.
    private static func seal(of signed: [UInt8], _ forms: Forms) -> DocumentSeal {
        DocumentSeal { document, _ throws(Unsigned) in
            guard document == signed else { throw .wanted(document) }
            return forms.signature
        } signedDocument: { document, _ throws(Unsigned) in
            guard document == signed else { throw .wanted(document) }
            return forms.signedDocument
        }
    }

    // MARK: On the queue

    /// Signs the waiting documents until none is left. Holds no lock meanwhile.
    private func work() {
        while let key = next() {
            let result = Result { try sign(key.document) }
            let done = state.withLock { [snapshot] state in
                if case .success(let forms) = result { Self.keep(forms, of: key, in: &state, snapshot) }
                return state.waiting.removeValue(forKey: key) ?? []
            }
            logChange(result)
            let forms = try? result.get()
            for done in done { done(forms) }
        }
    }

    private func next() -> Key? {
        state.withLock { state in
            let key = state.order.popFirst()
            if key == nil { state.isWorking = false }
            return key
        }
    }

    private static func keep(_ forms: Forms, of key: Key, in state: inout State, _ snapshot: () -> Snapshot) {
        if state.kept[key.domain] == nil {
            if state.limit.isReached(by: state.kept.count) {
                let snapshot = snapshot()
                state.limit.tidy(&state.kept) { domain, _ in snapshot.instance(of: domain) != nil }
            }
            if state.kept.count >= mostKept { state.kept = [:] }
        }
        state.kept[key.domain] = (key.document, forms)
    }

    /// Logs when signing begins to fail, and when it works again.
    private func logChange(_ result: Result<Forms, any Error>) {
        var (isFailing, reason) = (false, "")
        if case .failure(let error) = result { (isFailing, reason) = (true, "\(error)") }
        let changes = state.withLock { state in
            defer { state.isFailing = isFailing }
            return state.isFailing != isFailing
        }
        guard changes else { return }
        if isFailing {
            logger.error("cannot sign identity documents; requests for signatures get 503", metadata: ["error": "\(reason)"])
        } else {
            logger.notice("signing of identity documents works again")
        }
    }

    /// How many instances' signatures are kept, and how many documents wait.
    package var present: (kept: Int, waiting: Int) { state.withLock { ($0.kept.count, $0.waiting.count) } }
}
