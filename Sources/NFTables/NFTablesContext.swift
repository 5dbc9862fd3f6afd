import CLinux
import CNFTables
import Common
import Glibc
import Netlink

/// A context of libnftables(3): its socket, its buffers and its cache of the tables. One thread at a time may use it.
///
/// Safe: the pointer is private, freed once by this struct, which cannot be copied, and no call outlives it.
@safe
struct NFTablesContext: ~Copyable {
    /// The most lines of a message: each error has three lines, and one error often causes many more.
    static let mostLines = 12
    /// The most characters of a line: libnftables repeats the whole faulty line, which may name every guest.
    static let mostCharacters = 160

    private let pointer: OpaquePointer

    /// Creates a context, whose socket belongs to the network namespace of the calling thread.
    /// - Throws: `KernelError` where no socket can be opened; `.tooManyFiles` where its descriptor would be 1,024 or more.
    init() throws(KernelError) {
        try Self.probe()
        // Safe: nft_ctx_new() takes no pointer, and this struct owns its result.
        guard let pointer = unsafe nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw KernelError(.outOfMemory, in: "nft_ctx_new")
        }
        // Without buffers it writes to the process's standard output and error. Safe: the context is alive.
        guard unsafe nft_ctx_buffer_output(pointer) == 0, unsafe nft_ctx_buffer_error(pointer) == 0 else {
            // Safe: no other reference to the pointer exists.
            unsafe nft_ctx_free(pointer)
            throw KernelError(.outOfMemory, in: "nft_ctx_buffer_error")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        // Safe: no other reference to the pointer exists.
        unsafe nft_ctx_free(pointer)
    }

    /// Opens and closes a socket like that of libnftables, which ends the process where it gets none, and later where its
    /// descriptor is too high for select(2). A new descriptor is the lowest that is free.
    private static func probe() throws(KernelError) {
        let socket = try NetlinkSocket(protocol: NETLINK_NETFILTER)
        guard socket.descriptor < FD_SETSIZE else { throw KernelError(.tooManyFiles, in: "nft_ctx_new") }
    }

    /// Runs commands as one transaction.
    ///
    /// They go through a file, because libnftables names the faulty line only in files; of a buffer it shows the first line.
    /// - Returns: The errors that libnftables reports; `nil` on success.
    /// - Throws: `KernelError` where the file cannot be created.
    mutating func run(_ commands: String) throws(KernelError) -> String? {
        let file = try MemoryFile(commands)
        // Safe: the context is alive; the function reads the path up to its zero and keeps no pointer.
        let status = unsafe nft_run_cmd_from_filename(pointer, file.path)
        // Reading a buffer empties it. Safe: each is a string that lives until the context runs again, or NULL.
        _ = unsafe nft_ctx_get_output_buffer(pointer)
        let errors = unsafe nft_ctx_get_error_buffer(pointer)
        guard status != 0 else { return nil }
        return unsafe Self.message(errors.map { unsafe String(cString: $0) } ?? "", path: file.path)
    }

    /// All tables of the network namespace as JSON (libnftables-json(5)); `nil` where libnftables fails.
    mutating func ruleset() -> String? {
        // Safe: the context is alive, and the command is read up to its zero.
        unsafe nft_ctx_output_set_flags(pointer, UInt32(NFT_CTX_OUTPUT_JSON))
        let status = unsafe nft_run_cmd_from_buffer(pointer, "list ruleset")
        unsafe nft_ctx_output_set_flags(pointer, 0)
        _ = unsafe nft_ctx_get_error_buffer(pointer)
        // Safe: a string that lives until the context runs again, or NULL.
        let output = unsafe nft_ctx_get_output_buffer(pointer)
        return status == 0 ? unsafe output.map { unsafe String(cString: $0) } : nil
    }

    /// The beginning of libnftables' message, with `line 3:5-9:` as the location in the file.
    static func message(_ text: String, path: String) -> String {
        let lines = text.replacing(path + ":", with: "line ").split(separator: "\n").prefix(mostLines)
        guard !lines.isEmpty else { return "libnftables gave no error message" }
        return lines.map { $0.prefix(mostCharacters) }.joined(separator: "\n")
    }

    /// Commands in a file without a name, deleted when closed.
    private struct MemoryFile: ~Copyable {
        private let descriptor: Int32

        init(_ text: String) throws(KernelError) {
            // Safe: the name is read up to its zero.
            descriptor = unsafe clinux_create_memory_file("nftables")
            guard descriptor >= 0 else { throw .last(in: "memfd_create") }
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                // Safe: write(2) reads exactly the bytes of the buffer.
                let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
                guard count >= 0 else {
                    let error = KernelError.last(in: "write(memfd)")
                    guard error.code == .interrupted else { throw error }
                    continue
                }
                rest = rest.dropFirst(count)
            }
        }

        deinit { close(descriptor) }

        /// Opening this path reads the file from its beginning.
        var path: String { "/proc/self/fd/\(descriptor)" }
    }
}
