import Kernel

/// The file that says what is ours, and the lock that says whose it is: one process at a time has both.
struct OwnedFile: ~Copyable {
    /// The most bytes that are read: tens of thousands of addresses.
    private static let mostBytes = 4 << 20

    /// Why the file cannot be had.
    enum Failure: Error, CustomStringConvertible {
        /// Another process has it.
        case held(directory: String, by: Int32?)
        /// The directory or a file in it cannot be made, read or written.
        case unusable(path: String, KernelError)

        /// What is wrong, and what to do about it.
        var description: String {
            switch self {
            case .held(let directory, let process):
                "another virt-metadata\(process.map { " (process \($0))" } ?? "") serves this host's bridges: it holds \(directory)/lock"
            case .unusable(let path, let error):
                "\(path): \(error); it must be possible to write there, as root or by --run-directory"
            }
        }
    }

    private static let (lockName, recordName) = ("lock", "owned.json")
    /// What can be in the directory.
    static let names: Set = [lockName, recordName, "\(recordName).damaged", "\(recordName).new"]

    private let file: StateFile
    /// Where it is.
    let path: String
    private let lock: FileLock
    /// What is ours, as the file has it.
    private(set) var things: OwnedThings
    /// What is wrong with the file that was found, if anything; it has been set aside then.
    let damage: String?

    /// Takes the lock and reads the file; a file that cannot be used is set aside as `owned.json.damaged`.
    init(directory: String) throws(Failure) {
        let path = "\(directory)/\(Self.recordName)"
        let lock = try Self.lock("\(directory)/\(Self.lockName)", of: directory)
        let (things, damage) = try Self.read(StateFile(path: path), path)
        (self.path, file, self.things, self.damage) = (path, StateFile(path: path), things, damage)
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

    private static func read(_ file: StateFile, _ path: String) throws(Failure) -> (things: OwnedThings, damage: String?) {
        do throws(KernelError) {
            guard let bytes = try file.read(mostBytes: mostBytes) else { return (OwnedThings(), nil) }
            do throws(OwnedThings.Malformed) {
                return (try OwnedThings(bytes), nil)
            } catch {
                try StateFile(path: "\(path).damaged").write(bytes)
                return (OwnedThings(), "\(error)")
            }
        } catch {
            throw .unusable(path: path, error)
        }
    }

    /// Changes what is ours, on disk before this returns.
    mutating func change(_ body: (inout OwnedThings) -> Void) throws(Failure) {
        var changed = things
        body(&changed)
        guard changed != things else { return }
        do throws(KernelError) {
            if changed.isEmpty { try file.remove() } else { try file.write(changed.bytes) }
        } catch {
            throw .unusable(path: path, error)
        }
        things = changed
    }
}
