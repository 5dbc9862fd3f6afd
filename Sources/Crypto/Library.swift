internal import CCrypto
import Glibc

/// libcrypto's state of the process, and its list of this thread's errors.
enum Library {
    /// libcrypto frees its state when the process exits (OPENSSL_cleanup(3)), even while another thread is signing: that thread
    /// then crashed in one of ten processes. So `exit` waits for the operations in progress, and later ones never begin.
    ///
    /// Safe: never moved or freed, and a lock is there for all threads.
    nonisolated(unsafe) private static let lock: UnsafeMutablePointer<pthread_rwlock_t> = {
        let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
        var attributes = pthread_rwlockattr_t()
        unsafe pthread_rwlockattr_init(&attributes)
        // `exit` goes before operations that have not begun, or threads that sign without a pause would hold it up for ever.
        unsafe pthread_rwlockattr_setkind_np(&attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
        unsafe pthread_rwlock_init(lock, &attributes)
        // What is registered last is called first, so libcrypto's own function has to be there before; it is, with any option.
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_LOAD_CRYPTO_STRINGS), nil)
        atexit { _ = unsafe pthread_rwlock_wrlock(Library.lock) }
        return unsafe lock
    }()

    /// Runs an operation of libcrypto's, on this thread; none within another. What it leaves in the list of errors is removed.
    static func use<Result, Failure: Error>(_ operation: () throws(Failure) -> Result) throws(Failure) -> Result {
        unsafe pthread_rwlock_rdlock(lock)
        defer {
            ERR_clear_error()
            unsafe pthread_rwlock_unlock(lock)
        }
        return try operation()
    }

    /// A BIO over a copy of some bytes, or to write to; the caller frees it.
    static func memory(_ bytes: [UInt8] = []) throws(CryptoError) -> OpaquePointer {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw CryptoError("BIO_new") }
        guard unsafe bytes.isEmpty || BIO_write(bio, bytes, Int32(clamping: bytes.count)) == bytes.count else {
            unsafe BIO_free_all(bio)
            throw CryptoError("BIO_write")
        }
        return unsafe bio
    }

    /// The bytes in a BIO of `memory`.
    static func bytes(in bio: OpaquePointer) -> [UInt8] {
        var start: UnsafePointer<CChar>?
        let count = unsafe vm_crypto_bio_bytes(bio, &start)
        // Safe: the BIO has so many bytes there, and they are copied.
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}
