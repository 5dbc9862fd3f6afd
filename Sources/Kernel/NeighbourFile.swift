public import Common

/// A file that stands in for the kernel's neighbour tables where there are none to ask, as in a test or a container.
///
/// Its format is that of `/proc/net/arp` (`proc(5)`): the columns `IP address`, `HW type`, `Flags`, `HW address`, `Mask` and
/// `Device`, of which the last two are not read. A line that names the columns, blank lines, and what follows a `#` are skipped;
/// IPv6 addresses are as good as IPv4. An entry without flags or with a zero hardware address names nobody, and an address
/// with two hardware addresses is unknown. The file is read again when it has changed.
public final class NeighbourFile: Sendable {
    /// How long a look at the file is good for.
    public static let recheckInterval: Duration = .seconds(1)
    /// The most bytes of a file: some 200,000 entries.
    static let mostBytes = 16 << 20

    /// What we know of the file.
    private struct State {
        /// The last good content.
        var table: NeighbourTable
        /// The last version read, good or not.
        var version: FileVersion
        /// When we last looked whether there is another.
        var looked: ContinuousClock.Instant
    }

    private let path: String
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    /// Reads the file.
    /// - Parameters:
    ///   - path: A regular file.
    ///   - now: The clock to go by.
    /// - Throws: `NeighbourFileError`, which names the line if it is one that is wrong.
    public init(
        path: String, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) throws(NeighbourFileError) {
        (self.path, self.now) = (path, now)
        let looked = now()
        let (version, text) = try Self.text(of: path)
        state = Locked(State(table: try Self.table(in: text, of: path), version: version, looked: looked))
    }

    /// The hardware address of an address, whatever its zone; `nil` where the file does not know it, or knows two.
    ///
    /// Once per `recheckInterval` this looks whether the file is another than before, and reads it if so. A file that has gone,
    /// or has a malformed line, changes nothing: the last good content answers.
    public func mac(of address: IPAddress) -> MACAddress? {
        state.withLock { state in
            refresh(&state)
            return state.table.mac(of: address)
        }
    }

    private func refresh(_ state: inout State) {
        let time = now()
        guard time - state.looked >= Self.recheckInterval else { return }
        state.looked = time
        guard let current = try? FileVersion(at: path), current != state.version,
            let (version, text) = try? Self.text(of: path)
        else { return }
        state.version = version
        guard let table = try? Self.table(in: text, of: path) else { return }
        state.table = table
    }

    private static func text(of path: String) throws(NeighbourFileError) -> (FileVersion, String) {
        do {
            let (version, bytes) = try FileVersion.read(path, mostBytes: mostBytes)
            return (version, String(decoding: bytes, as: UTF8.self))
        } catch {
            throw NeighbourFileError(path: path, line: nil, message: error.message)
        }
    }

    private static func table(in text: String, of path: String) throws(NeighbourFileError) -> NeighbourTable {
        do {
            return try NeighbourTable(text)
        } catch {
            throw NeighbourFileError(path: path, line: error.number, message: error.message)
        }
    }
}
