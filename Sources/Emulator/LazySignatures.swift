import Common
import FoundationEssentials
import Guests
import Identity
import Logging

/// Signatures by a key that is made when the first document is to be signed: making one takes some tenths of a second, and most tests
/// never read a signature.
enum LazySignatures {
    private static let shared = Locked<DocumentSigner?>(nil)

    /// All instances of the process have one key, as all of a region have with Amazon.
    ///
    /// - Parameter sign: signs in its place.
    static func make(
        for board: SnapshotBoard, by sign: (@Sendable ([UInt8]) throws -> DocumentSignatures.Forms)?, logger: Logger
    ) -> DocumentSignatures {
        if let sign { return DocumentSignatures(snapshot: { board.snapshot }, logger: logger, sign: sign) }
        return DocumentSignatures(snapshot: { board.snapshot }, logger: logger) { document in
            let signer = try shared.withLock { held throws in
                if let held { return held }
                let made = DocumentSigner(try SigningIdentity(named: "virt-metadata emulator", at: Date()))
                held = made
                return made
            }
            return DocumentSignatures.Forms(
                signature: try signer.signature(of: document), signedDocument: try signer.signedData(of: document))
        }
    }
}
