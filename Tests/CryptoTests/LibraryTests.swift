internal import CCrypto
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Crypto

/// What the whole process shares of libcrypto.
@Suite struct LibraryTests {
    private static let key = Result { try RSAPrivateKey(bits: 2048) }

    @Test func `no operation leaves an error to the next`() throws {
        let key = try Self.key.get()
        #expect(throws: CryptoError.self) { try key.decrypt([1, 2, 3]) }
        #expect(ERR_peek_error() == 0)
        #expect(throws: RSAPrivateKey.Problem.missing) { try RSAPrivateKey(pem: "hello", leastBits: 1024) }
        #expect(ERR_peek_error() == 0)
        #expect(throws: Certificate.Problem.invalid) {
            try Certificate(pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", leastBits: 1024)
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test func `an error names the function and libcrypto's reason`() throws {
        let error = try #require(throws: CryptoError.self) { try Self.key.get().decrypt([1, 2, 3]) }
        #expect(error.function == "EVP_PKEY_decrypt")
        #expect(error.code != 0)
        #expect(error.description.hasPrefix("EVP_PKEY_decrypt: "))
        #expect(error.description.hasSuffix("(OpenSSL error \(String(error.code, radix: 16, uppercase: true)))"))
    }

    @Test func `several threads sign with one key`() throws {
        let key = try Self.key.get()
        let certificate = try Certificate(of: key, named: "threads", from: 0, to: 86_400)
        let document = Array("document".utf8)
        let (signature, signedData) = (
            try key.signature(of: document), try key.signedData(of: document, certificate: certificate)
        )
        let same = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 64) { _ in
            let isSame =
                (try? key.signature(of: document)) == signature
                && (try? key.signedData(of: document, certificate: certificate)) == signedData
            if isSame { same.add(1, ordering: .relaxed) }
        }
        #expect(same.load(ordering: .relaxed) == 64)
    }

    /// Without the lock, almost every such process crashes.
    @Test func `a process may exit while its threads sign`() async {
        for _ in 0..<5 {
            await #expect(processExitsWith: .success) {
                let key = try RSAPrivateKey(bits: 1024)
                let begun = Atomic(0)
                for _ in 0..<4 {
                    Thread.detachNewThread {
                        while (try? key.signature(of: [1, 2, 3])) != nil { begun.add(1, ordering: .relaxed) }
                    }
                }
                while begun.load(ordering: .relaxed) < 100 { usleep(100) }
                exit(0)
            }
        }
    }
}
