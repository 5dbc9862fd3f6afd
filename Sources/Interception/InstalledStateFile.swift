package import Common
import Host

/// The file that records what is installed, and the lock beside it: only one process at a time holds both.
package struct InstalledStateFile: ~Copyable {
    /// Enough for tens of thousands of addresses.
    private static let mostBytes = 4 << 20

    /// Why the file cannot be opened.
    package enum Failure: Error, CustomStringConvertible {
        /// Another process holds the lock.
        case held(directory: String, by: Int32?)
        /// The directory or a file in it cannot be created, read or written.
        case unusable(path: String, KernelError)

        /// What is wrong, and what to do about it.
        package var description: String {
            switch self {
            case .held(let directory, let process):
                "another virt-metadata\(process.map { " (process \($0))" } ?? "") serves this host's bridges (it holds \(directory)/lock)"
            case .unusable(let path, let error):
                "cannot write \(path): \(error); run as root, or choose another --run-directory"
            }
        }
    }

    private static let (lockName, recordName) = ("lock", "owned.json")
    /// The names of the files that can be in the directory.
    package static let names: Set = [lockName, recordName, "\(recordName).damaged", "\(recordName).new"]

    /// Where the record is in a directory.
    package static func path(in directory: String) -> String { "\(directory)/\(recordName)" }

    private let file: StateFile
    package let path: String
    private let lock: FileLock
    /// What is installed, as recorded in the file.
    private(set) var state: InstalledState
    /// What is wrong with the existing file, if anything; it is then renamed.
    package let damage: String?

    /// Takes the lock and reads the file; an unusable file is kept as `owned.json.damaged`.
    package init(directory: String) throws(Failure) {
        let path = Self.path(in: directory)
        let lock = try Self.lock("\(directory)/\(Self.lockName)", of: directory)
        let (state, damage) = try Self.read(StateFile(path: path), path)
        (self.path, file, self.state, self.damage) = (path, StateFile(path: path), state, damage)
        self.lock = lock
    }

    private static func lock(_ path: String, of directory: String) throws(Failure) -> FileLock {
        do throws(KernelError) {
            return try FileLock(path: path)
        } catch {
            guard error.code == .heldByAnother else { throw .unusable(path: path, error) }
            throw .held(directory: directory, by: FileLock.holder(path: path))
        }
    }

    private static func read(_ file: StateFile, _ path: String) throws(Failure) -> (state: InstalledState, damage: String?) {
        do throws(KernelError) {
            guard let bytes = try file.read(mostBytes: mostBytes) else { return (InstalledState(), nil) }
            do throws(InstalledState.Malformed) {
                return (try InstalledState(bytes), nil)
            } catch {
                try StateFile(path: "\(path).damaged").write(bytes)
                return (InstalledState(), "\(error)")
            }
        } catch {
            throw .unusable(path: path, error)
        }
    }

    /// Changes the record; the change is on disk when this returns.
    mutating func change(_ body: (inout InstalledState) -> Void) throws(Failure) {
        var changed = state
        body(&changed)
        guard changed != state else { return }
        do throws(KernelError) {
            if changed.isEmpty { try file.remove() } else { try file.write(changed.bytes) }
        } catch {
            throw .unusable(path: path, error)
        }
        state = changed
    }
}
