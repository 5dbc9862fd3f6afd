package import Common

/// A file that replaces the kernel's neighbour tables where these are not available, as in a test or a container.
///
/// Its format is that of `/proc/net/arp` (`proc(5)`): the columns `IP address`, `HW type`, `Flags`, `HW address`, `Mask` and
/// `Device`, of which the last two are ignored. A header line, blank lines, and comments after `#` are skipped;
/// IPv6 addresses are allowed too. An entry without flags or with a zero MAC address is ignored, and an address
/// with two MAC addresses is unknown. The file is read again when it has changed.
package final class NeighbourFile: Sendable {
    /// The time between two checks for changes of the file.
    package static let recheckInterval: Duration = .seconds(1)
    /// Enough for some 200,000 entries.
    package static let mostBytes = 16 << 20

    /// The file's content as last read.
    private struct State {
        /// The last good content.
        var table: NeighbourTable
        /// The last version read, good or not.
        var version: FileVersion
        /// When the file was last checked for changes.
        var looked: ContinuousClock.Instant
    }

    private let path: String
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    /// - Parameters:
    ///   - path: A regular file.
    ///   - now: The clock.
    /// - Throws: `NeighbourFileError`, with the line if a line is malformed.
    package init(
        path: String, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) throws(NeighbourFileError) {
        (self.path, self.now) = (path, now)
        let looked = now()
        let (version, text) = try Self.text(of: path)
        state = Locked(State(table: try Self.table(in: text, of: path), version: version, looked: looked))
    }

    /// The MAC address of an address, regardless of its zone; `nil` where the file has none, or two.
    ///
    /// Checks once per `recheckInterval` whether the file has changed, and reads it then. A missing file, or one with a malformed
    /// line, changes nothing: the last valid content stays in use.
    package func mac(of address: IPAddress) -> MACAddress? {
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
            throw NeighbourFileError(path: path, line: nil, message: error.message, isDenied: error.code == .accessDenied)
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
