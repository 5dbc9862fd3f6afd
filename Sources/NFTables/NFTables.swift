import CLinux
import Common
import Glibc
import Netlink

/// Access to nftables (nft(8)): changes by libnftables in nft's language, queries by netlink.
///
/// It works in the network namespace of the thread that created it, whichever thread uses it; only for a command that names a link by
/// index (`iif`, `oif`) the link is looked up in the namespace of the calling thread.
///
/// Create it before the process has 1,024 files open: libnftables waits for its socket with select(2), which aborts above that.
/// Files that are opened later do not matter.
package final class NFTables: Sendable {
    /// libnftables for changes, and a netlink socket for queries.
    private struct Access: ~Copyable {
        var socket: NetlinkSocket
        var context: NFTablesContext
    }

    private let access: Locked<Access>

    /// Opens nftables, in the network namespace of the calling thread, without changing anything.
    /// - Throws: `NFTablesError` with the code of the kernel: `.notPermitted` without CAP_NET_ADMIN, `.tooManyFiles` where 1,024
    ///   files are open, `.invalidArgument` where the kernel has no nftables.
    package init() throws(NFTablesError) {
        do throws(KernelError) {
            var socket = try NetlinkSocket(protocol: NETLINK_NETFILTER)
            // libnftables ends the process where it gets no answer from the kernel; an answer to this query rules that out.
            _ = try socket.ask(NFTablesQuery.generation())
            access = Locked(Access(socket: socket, context: try NFTablesContext()))
        } catch {
            throw NFTablesError(error)
        }
    }

    /// Runs commands in the language of nft(8) as one transaction: all of them or, where it throws, none. Output is dropped.
    ///
    /// They are trusted: `include` reads files.
    /// - Throws: `NFTablesError` with the beginning of libnftables' message, which names lines and columns of `commands`;
    ///   `.notPermitted` without CAP_NET_ADMIN.
    package func run(_ commands: String) throws(NFTablesError) {
        let problem = try use { (access) throws(KernelError) in
            // libnftables reports a missing capability in many ways, some of which look like another error.
            _ = try access.socket.ask(NFTablesQuery.generation())
            return try access.context.run(commands)
        }
        if let problem { throw NFTablesError(message: problem) }
    }

    /// All tables of the network namespace, the operator's among them, as JSON (libnftables-json(5)).
    ///
    /// - Throws: ``NFTablesError`` where the kernel or libnftables fails.
    package func ruleset() throws(NFTablesError) -> String {
        let text = try use { (access) throws(KernelError) in
            _ = try access.socket.ask(NFTablesQuery.generation())
            return access.context.ruleset()
        }
        guard let text else { throw NFTablesError(message: "libnftables does not list the tables as JSON") }
        return text
    }

    /// Whether a table of that name exists in a family of nft(8), such as `bridge` or `inet`.
    /// - Throws: `NFTablesError` with the code of the kernel; `.notPermitted` without CAP_NET_ADMIN, `.invalidArgument` for a
    ///   unknown family.
    package func exists(table: String, family: String) throws(NFTablesError) -> Bool {
        let found = try answer(about: [table], family: family) {
            NFTablesQuery.table(table, family: $0)
        } reading: { _, _ in
            true
        }
        return found ?? false
    }

    /// The comment of a table; `nil` where it has none, or does not exist.
    /// - Throws: As `exists` does.
    package func comment(ofTable table: String, family: String) throws(NFTablesError) -> String? {
        let found = try answer(about: [table], family: family) {
            NFTablesQuery.table(table, family: $0)
        } reading: { (answer, operation) throws(KernelError) in
            try NFTablesQuery.comment(in: answer, operation)
        }
        return found ?? nil
    }

    /// The packets of a named counter; `nil` where the counter or the table does not exist.
    /// - Throws: As `exists` does.
    package func packets(ofCounter counter: String, table: String, family: String) throws(NFTablesError) -> UInt64? {
        try answer(about: [counter, table], family: family) {
            NFTablesQuery.counter(counter, table: table, family: $0)
        } reading: { (answer, operation) throws(KernelError) in
            try NFTablesQuery.packets(in: answer, operation)
        }
    }

    /// Queries the kernel for the object with these names; `nil` where it does not exist.
    private func answer<Value: Sendable>(
        about names: [String], family: String, asking request: (UInt8) -> Netlink.Request,
        reading read: (Netlink.Message, String) throws(KernelError) -> Value
    ) throws(NFTablesError) -> Value? {
        guard let number = NFTablesQuery.family(family) else {
            throw NFTablesError(message: "nftables has no family \(family)", code: .invalidArgument)
        }
        guard names.allSatisfy(NFTablesQuery.isName) else { return nil }
        let request = request(number)
        return try use { (access) throws(KernelError) in
            do throws(KernelError) {
                guard let answer = try access.socket.ask(request) else {
                    throw KernelError(.malformedAnswer, in: request.operation)
                }
                return try read(answer, request.operation)
            } catch {
                guard error.code == .noSuchEntry else { throw error }
                return nil
            }
        }
    }

    /// Runs `body` with the lock held, and converts `KernelError` to `NFTablesError`.
    private func use<Value: Sendable>(_ body: (inout Access) throws(KernelError) -> Value) throws(NFTablesError) -> Value {
        do throws(KernelError) {
            return try access.withLock { (access) throws(KernelError) in try body(&access) }
        } catch {
            throw NFTablesError(error)
        }
    }
}
