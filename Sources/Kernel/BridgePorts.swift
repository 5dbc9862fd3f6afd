public import Common

/// Which port of a bridge a hardware address is behind, by name: the forwarding database, and what it said a moment ago.
///
/// An answer is kept only as long as the kernel has not said that anything of the bridge changed. It says so before it hands on
/// the frame that changed it, so whoever asks about a packet that has come in already, and first reads what the kernel has to
/// say, never sees an answer older than that packet. It sees the network namespace of the thread that made it.
public final class BridgePorts: Sendable {
    /// How often the kernel's news is read before one question. Where there is still more of it, nothing is kept.
    private static let mostReadings = 8
    /// The most answers kept of one bridge: as many as a bridge learns by default before it forgets.
    private static let mostAnswers = 1 << 16

    private struct Memory {
        /// By bridge: the port that each hardware address is behind.
        var answers: [Int32: [MACAddress: Int32]] = [:]
        var names: [Int32: String] = [:]
    }

    private let database: ForwardingDatabase
    private let events: NetworkEvents
    private let memory = Locked(Memory())

    /// Opens two route sockets (rtnetlink(7)), which need no privilege.
    /// - Throws: `KernelError` with the code of `socket(2)`, `connect(2)` or `bind(2)`.
    public init() throws(KernelError) {
        database = try ForwardingDatabase()
        events = try NetworkEvents(of: [.links, .neighbours])
    }

    /// The name of the port of a bridge that a hardware address is behind; may be asked from any thread.
    /// - Returns: `nil` where the bridge does not know the address, or has it itself.
    /// - Throws: `KernelError`, as `ForwardingDatabase.port` does; `.noSuchDevice` where the bridge is gone.
    public func port(of mac: MACAddress, onBridge bridge: Int32) throws(KernelError) -> String? {
        try memory.withLock { (memory) throws(KernelError) in
            let mayKeep = try forgetWhatChanged(&memory)
            if mayKeep, let port = memory.answers[bridge]?[mac], let name = memory.names[port] { return name }
            guard let port = try database.port(of: mac, onBridge: bridge) else { return nil }
            guard let name = try Links.name(ofInterface: port) else { return nil }
            guard mayKeep else { return name }
            if memory.answers[bridge, default: [:]].count >= Self.mostAnswers { memory.answers[bridge] = nil }
            memory.answers[bridge, default: [:]][mac] = port
            memory.names[port] = name
            return name
        }
    }

    /// Reads what the kernel has to say; false if it has more than we read now, and then nothing is kept.
    private func forgetWhatChanged(_ memory: inout Memory) throws(KernelError) -> Bool {
        for _ in 0..<Self.mostReadings {
            let hints = try events.read()
            if hints.isEmpty { return true }
            for hint in hints {
                switch hint {
                case .links, .lost: memory = Memory()
                case .forwarding(let bridge): memory.answers[bridge] = nil
                case .neighbours, .addresses, .routes: break
                }
            }
        }
        memory = Memory()
        return false
    }
}
