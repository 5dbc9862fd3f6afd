import Common
import Glibc
import NIOCore
import Sockets

/// A port at which instances are served, on one address or several.
///
/// The port is held for the whole run, also while connections are refused: no other program gets it by chance.
final class EmulatorPort: Sendable {
    let clients: ClientSelection
    let addresses: [IPAddress]

    private struct State {
        var number = 0
        /// One for each address.
        var held: [BoundSocket] = []
        /// The open socket of each address; `nil` while it refuses connections.
        var open: [(any Channel)?] = []
        /// What each instance refuses, by its name.
        var refused: [String: FamilySet] = [:]
    }

    private let state = Locked(State())

    init(_ clients: ClientSelection, _ addresses: [IPAddress]) { (self.clients, self.addresses) = (clients, addresses) }

    /// The number of the port.
    var number: Int { state.withLock { $0.number } }

    // MARK: Binding

    /// How often another port is tried where the one that the kernel chose for the first address is taken on another.
    private static let mostTries = 32

    /// Takes the port on all addresses.
    ///
    /// - Parameter number: 0 for any that is free on all of them.
    /// - Throws: ``EmulatorError``.
    func hold(_ number: Int) throws(EmulatorError) {
        // Those that were in vain are kept until the end, or the kernel might choose them again.
        var tried: [BoundSocket] = []
        for attempt in 1...Self.mostTries {
            var held: [BoundSocket] = []
            do throws(EmulatorFailure) {
                for address in addresses { held.append(try bind(address, held.first?.port ?? number)) }
            } catch {
                tried += held
                guard number == 0, error.code == EADDRINUSE, !held.isEmpty, attempt < Self.mostTries else { throw error.error }
                continue
            }
            return state.withLock { [held] in ($0.number, $0.held) = (held.first?.port ?? number, held) }
        }
    }

    private struct EmulatorFailure: Error {
        let error: EmulatorError
        let code: Int32
    }

    private func bind(_ address: IPAddress, _ port: Int) throws(EmulatorFailure) -> BoundSocket {
        let resolved: SocketAddress
        do {
            resolved = try SocketAddress.makeAddressResolvingHost("\(address)", port: port)
        } catch {
            throw EmulatorFailure(error: EmulatorError("cannot listen on \(Self.text(address, port)): \(error)"), code: 0)
        }
        // An IPv6 socket of all addresses would take those of IPv4 too.
        let isIPv6Alone = addresses.contains { $0.family == .v4 }
        // Safe: the address lives as long as the closure runs, and its length is given.
        let result: Result<BoundSocket, KernelError> = unsafe resolved.withSockAddr { pointer, length in
            do throws(KernelError) {
                let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: length)
                return .success(try unsafe BoundSocket(to: bytes, isIPv6Alone: isIPv6Alone))
            } catch {
                return .failure(error)
            }
        }
        do throws(KernelError) {
            return try result.get()
        } catch {
            throw EmulatorFailure(error: Self.error(address, port, error), code: error.code.rawValue)
        }
    }

    static func error(_ address: IPAddress, _ port: Int, _ reason: KernelError) -> EmulatorError {
        let remedy =
            switch reason.code.rawValue {
            case EADDRINUSE: "; choose another port, or none for a free one"
            case EADDRNOTAVAIL: "; choose an address of this host (`ip address` lists them)"
            case EACCES: "; choose a port of 1024 or more"
            default: ""
            }
        return EmulatorError("cannot listen on \(text(address, port)): \(reason.message)\(remedy)")
    }

    /// A socket that listens on an address of the held port, for its receiver to close.
    func listeningSocket(_ index: Int) throws(EmulatorError) -> Int32 {
        let socket: BoundSocket
        do throws(EmulatorFailure) {
            socket = try bind(addresses[index], number)
        } catch {
            throw error.error
        }
        do throws(KernelError) {
            return try socket.listen(backlog: Self.backlog)
        } catch {
            throw Self.error(addresses[index], number, error)
        }
    }

    /// How many connections may wait to be accepted.
    static let backlog: Int32 = 256

    // MARK: Open and closed

    func opened(_ index: Int, _ channel: any Channel) {
        state.withLock { state in
            while state.open.count <= index { state.open.append(nil) }
            state.open[index] = channel
        }
    }

    /// Gives the socket of an address to be closed; `nil` where none is open.
    func close(_ index: Int) -> (any Channel)? {
        state.withLock { state in
            guard state.open.indices.contains(index) else { return nil }
            defer { state.open[index] = nil }
            return state.open[index]
        }
    }

    func isOpen(_ index: Int) -> Bool { state.withLock { $0.open.indices.contains(index) && $0.open[index] != nil } }

    // MARK: Refused connections

    /// From now on an instance refuses connections of these families.
    ///
    /// - Returns: the families that every instance of the port refuses.
    func refuse(_ families: FamilySet, of instance: String) -> FamilySet {
        let names = clients.instances.map(\.name)
        return state.withLock { state in
            state.refused[instance] = families
            let all = names.map { state.refused[$0] ?? .nothing }
            return FamilySet(v4: all.allSatisfy(\.v4), v6: all.allSatisfy(\.v6))
        }
    }

    /// Whether an instance refuses a connection to an address that others of the port do not refuse.
    func refuses(_ instance: EmulatedInstance, at address: IPAddress?) -> Bool {
        let families = state.withLock { $0.refused[instance.name] } ?? .nothing
        return address?.family == .v6 ? families.v6 : families.v4
    }

    // MARK: Names

    /// The URLs of the port, without a final slash.
    var urls: [String] {
        let number = number
        return addresses.map { "http://\(Self.text($0, number))" }
    }

    /// An authority, without HTTP's own port, and without one that is yet to be chosen.
    static func text(_ address: IPAddress, _ port: Int) -> String {
        let host = address.family == .v6 ? "[\(address)]" : "\(address)"
        return port == 80 || port == 0 ? host : "\(host):\(port)"
    }
}

extension FamilySet {
    fileprivate static let nothing = FamilySet(v4: false, v6: false)
}
