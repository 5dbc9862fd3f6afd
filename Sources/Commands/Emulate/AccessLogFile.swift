import Common
import Emulator
import Glibc
import Host
import JSON

/// The access log of `emulate`: one line of JSON for each request, written before the next request of its connection is read.
final class AccessLogFile: Sendable {
    private let path: String
    private let descriptor: Int32
    private let hasFailed = Locked(false)

    /// Begins a new log; an existing file is emptied.
    init(_ path: String) throws(EmulatorError) {
        self.path = path
        // Safe: open(2) reads the path up to its zero.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw EmulatorError("\(path): cannot be written: \(KernelError.last(in: "open").message)") }
    }

    deinit { close(descriptor) }

    func write(_ record: AccessRecord) {
        do throws(KernelError) {
            try FileDescriptors.write(JSONEncoding.bytes(record.json) + [UInt8(ascii: "\n")], to: descriptor)
        } catch {
            let isNews = hasFailed.withLock { failed in
                defer { failed = true }
                return !failed
            }
            if isNews { VirtMetadata.printError("virt-metadata: \(path): cannot be written: \(error.message)") }
        }
    }
}
