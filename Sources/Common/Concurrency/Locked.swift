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
    #if THREAD_SANITIZER
    private let box: PthreadBox<Value>

    public init(_ value: consuming sending Value) { box = PthreadBox(value) }
    #else
    @usableFromInline let mutex: Mutex<Value>

    @inlinable public init(_ value: consuming sending Value) { mutex = Mutex(value) }
    #endif

    /// Lends the value; whoever else wants it waits meanwhile. Not to be nested.
    ///
    /// - Throws: what the body throws.
    #if THREAD_SANITIZER
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try box.withLock(body)
    }
    #else
    @inlinable public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock(body)
    }
    #endif
}

#if THREAD_SANITIZER
private final class PthreadBox<Value: ~Copyable>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) var value: Value

    init(_ value: consuming sending Value) {
        self.value = value
        unsafe pthread_mutex_init(lock, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
    }

    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return try body(&value)
    }
}
#endif
