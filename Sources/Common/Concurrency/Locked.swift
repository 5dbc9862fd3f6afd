#if THREAD_SANITIZER
internal import Glibc
#else
public import Synchronization
#endif

/// A value that one thread at a time has, for a moment: the standard library's lock.
///
/// ThreadSanitizer does not know that lock, which calls nothing that it watches, and takes what is behind it for unprotected. So where
/// `THREAD_SANITIZER` is defined this is pthread's.
public struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let lock: Lock<Value>

    /// Locks a value away.
    @inlinable public init(_ value: consuming sending Value) { lock = Lock(value) }

    /// Lends the value; whoever else wants it waits meanwhile. Not to be nested.
    ///
    /// - Throws: what the body throws.
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
