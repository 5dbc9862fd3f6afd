import CLinux
import Common
import Glibc

/// The tables of nftables (nft(8)), changed by libnftables in its own language.
///
/// It works in the network namespace of the thread that made it, whatever thread uses it; only a command that names a link by its
/// index (`iif`, `oif`) has the link looked up in the namespace of its own thread.
///
/// Make it before the process has 1,024 files open, first of all: libnftables waits for its socket with select(2), which aborts
/// above that. What is opened later does not matter.
public final class NFTables: Sendable {
    /// libnftables for the changes, and a socket of ours for the questions.
    private struct Access: ~Copyable {
        var socket: NetlinkSocket
        var context: NFTablesContext
    }

    private let access: Locked<Access>

    /// Opens the way to nftables, in the network namespace of the calling thread; it changes nothing there.
    /// - Throws: `NFTablesError` with the code of the kernel: `.notPermitted` without CAP_NET_ADMIN, `.tooManyFiles` where 1,024
    ///   files are open, `.invalidArgument` where the kernel has no nftables.
    public init() throws(NFTablesError) {
        do throws(KernelError) {
            var socket = try NetlinkSocket(protocol: NETLINK_NETFILTER)
            // Where this is answered, libnftables, which ends the process when it despairs, has no reason to.
            _ = try socket.ask(NFTablesQuery.generation())
            access = Locked(Access(socket: socket, context: try NFTablesContext()))
        } catch {
            throw NFTablesError(error)
        }
    }

    /// Runs commands in the language of nft(8) as one transaction: all of them or, where it throws, none. Output is dropped.
    ///
    /// They are trusted: `include` reads files.
    /// - Throws: `NFTablesError` with the beginning of what libnftables says, which names lines and columns of `commands`;
    ///   `.notPermitted` without CAP_NET_ADMIN.
    public func run(_ commands: String) throws(NFTablesError) {
        let problem = try use { (access) throws(KernelError) in
            // libnftables tells a missing right in many ways, and some of them look like something else.
            _ = try access.socket.ask(NFTablesQuery.generation())
            return try access.context.run(commands)
        }
        if let problem { throw NFTablesError(message: problem) }
    }

    /// All tables of the network namespace, whoever made them, as JSON (libnftables-json(5)).
    ///
    /// - Throws: ``NFTablesError`` where the kernel or libnftables does not say.
    public func ruleset() throws(NFTablesError) -> String {
        let text = try use { (access) throws(KernelError) in
            _ = try access.socket.ask(NFTablesQuery.generation())
            return access.context.ruleset()
        }
        guard let text else { throw NFTablesError(message: "libnftables does not list the tables as JSON") }
        return text
    }

    /// Whether there is a table of that name in a family of nft(8), such as `bridge` or `inet`.
    /// - Throws: `NFTablesError` with the code of the kernel; `.notPermitted` without CAP_NET_ADMIN, `.invalidArgument` for a
    ///   family that is none.
    public func exists(table: String, family: String) throws(NFTablesError) -> Bool {
        let found = try answer(about: [table], family: family) {
            NFTablesQuery.table(table, family: $0)
        } reading: { _, _ in
            true
        }
        return found ?? false
    }

    /// The comment of a table; `nil` where it has none, or there is no such table.
    /// - Throws: As `exists` does.
    public func comment(ofTable table: String, family: String) throws(NFTablesError) -> String? {
        let found = try answer(about: [table], family: family) {
            NFTablesQuery.table(table, family: $0)
        } reading: { (answer, operation) throws(KernelError) in
            try NFTablesQuery.comment(in: answer, operation)
        }
        return found ?? nil
    }

    /// How many packets a named counter has counted; `nil` where there is no such counter, or no such table.
    /// - Throws: As `exists` does.
    public func packets(ofCounter counter: String, table: String, family: String) throws(NFTablesError) -> UInt64? {
        try answer(about: [counter, table], family: family) {
            NFTablesQuery.counter(counter, table: table, family: $0)
        } reading: { (answer, operation) throws(KernelError) in
            try NFTablesQuery.packets(in: answer, operation)
        }
    }

    /// Asks the kernel for what bears these names; `nil` where nothing does.
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

    /// Lends what stands behind the lock, and tells the kernel's errors as ours.
    private func use<Value: Sendable>(_ body: (inout Access) throws(KernelError) -> Value) throws(NFTablesError) -> Value {
        do throws(KernelError) {
            return try access.withLock { (access) throws(KernelError) in try body(&access) }
        } catch {
            throw NFTablesError(error)
        }
    }
}
