#if THREAD_SANITIZER
internal import Glibc
#else
public import Synchronization
#endif

/// A value that one thread at a time can access, guarded by the standard library's lock.
///
/// ThreadSanitizer does not know that lock, because it calls no function that ThreadSanitizer intercepts, and reports the guarded
/// value as unprotected. Where `THREAD_SANITIZER` is defined, a pthread mutex is used instead.
///
/// This is the only public type: a generic type with `package` access is not specialized in other targets, and every call would
/// look up its metadata.
public struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let lock: Lock<Value>

    /// Guards a value.
    @inlinable public init(_ value: consuming sending Value) { lock = Lock(value) }

    /// Calls the body with the value while the lock is held; other threads wait. Must not be nested.
    ///
    /// - Throws: the error of the body.
    @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try lock.withLock(body)
    }
}

#if THREAD_SANITIZER
@usableFromInline @safe final class Lock<Value: ~Copyable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    @usableFromInline init(_ value: consuming sending Value) {
        self.value = value
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    @usableFromInline func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
#else
@usableFromInline typealias Lock<Value: ~Copyable> = Mutex<Value>
#endif
