import CLibvirt
import Glibc

/// libvirt's event loop: one thread, from the first connection to the end of the process, on which all callbacks run.
///
/// It also sends the keepalive messages that end a call to a hung daemon.
enum EventLoop {
    /// How often the loop wakes without an event, in milliseconds: libvirt requires at least one timeout, and this one does
    /// nothing.
    private static let idlePeriod: Int32 = 60_000
    /// How long the thread sleeps after a failed iteration, in microseconds, so that a lasting failure does not use a whole processor.
    private static let restAfterFailure: useconds_t = 100_000

    private static let outcome = start()

    /// Starts the loop unless it runs already.
    static func ensureRunning() throws(LibvirtError) {
        try outcome.get()
    }

    private static func start() -> Result<Void, LibvirtError> {
        // libvirt's client writes to its sockets with write(2): if the daemon ends meanwhile, SIGPIPE would end this process without a message.
        _ = signal(SIGPIPE, SIG_IGN)
        // Safe: neither callback uses its arguments, and the loop is registered before the first connection exists,
        // as virEventRegisterDefaultImpl requires.
        unsafe virSetErrorFunc(nil) { _, _ in }
        guard virInitialize() == 0 else { return .failure(.last("virInitialize")) }
        guard virEventRegisterDefaultImpl() == 0 else { return .failure(.last("virEventRegisterDefaultImpl")) }
        guard unsafe virEventAddTimeout(idlePeriod, { _, _ in }, nil, nil) >= 0 else {
            return .failure(.last("virEventAddTimeout"))
        }
        return startThread()
    }

    private static func startThread() -> Result<Void, LibvirtError> {
        var thread = pthread_t()
        // Safe: the thread gets no argument, and lives as long as the process.
        let status = unsafe pthread_create(
            &thread, nil,
            { _ in
                while true {
                    if virEventRunDefaultImpl() < 0 { usleep(EventLoop.restAfterFailure) }
                }
            }, nil)
        guard status == 0 else {
            let message = unsafe String(cString: strerror(status))
            return .failure(LibvirtError(code: .systemError, function: "pthread_create", message: message))
        }
        pthread_detach(thread)
        return .success(())
    }
}
