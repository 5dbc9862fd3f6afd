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
        do throws(KernelError) {
            descriptor = try FileDescriptors.openToWrite(
                path, flags: O_CREAT | O_TRUNC | O_APPEND, millisecondsToReader: WholeFile.millisecondsToReader)
        } catch {
            throw WholeFile.error(error, of: path)
        }
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
