package import Common
package import Guests
import Host
package import NFTables
package import NIOCore
package import Netlink

/// The host's operations that the interceptor needs: `ThisHost` uses the kernel; tests use one that only records the calls.
package protocol InterceptionHost: Sendable {
    /// The tables of nftables; `nil` where they cannot be used.
    var tables: (any RuleTables)? { get }
    /// Whether the kernel supports IPv6 at all.
    var hasIPv6: Bool { get }

    func network() throws(KernelError) -> HostNetwork
    /// Why the host cannot add the metadata addresses to its bridges; links with these indexes are not considered.
    func use(except bridges: Set<Int32>) throws(KernelError) -> String?
    func isIPv6Disabled(onBridge name: String) throws(KernelError) -> Bool
    func add(_ address: LinkAddress) throws(KernelError)
    func remove(_ address: LinkAddress) throws(KernelError)
    func startLearningFromLinkLocal(onBridge index: Int32) throws(KernelError)
    /// Sets a link down.
    func takeDown(_ index: Int32) throws(KernelError)
    /// The TCP ports that the kernel has sockets on.
    func portsInUse() throws(KernelError) -> Set<UInt16>
    func listen(on address: SocketAddress, of scope: ListenScope) async throws(ListenError) -> ListeningSocket
}

/// Commands and queries for nftables.
package protocol RuleTables: Sendable {
    func run(_ commands: String) throws(NFTablesError)
    func exists(table: String, family: String) throws(NFTablesError) -> Bool
    func comment(ofTable table: String, family: String) throws(NFTablesError) -> String?
    func packets(ofCounter counter: String, table: String, family: String) throws(NFTablesError) -> UInt64?
}

extension NFTables: RuleTables {}

/// A socket that guests connect to.
package struct ListeningSocket: Sendable {
    /// Stops listening.
    let close: @Sendable () -> Void
}

/// The host that this process runs on, in the network namespace of the calling threads.
package struct ThisHost: InterceptionHost {
    package let tables: (any RuleTables)?
    private let listener: GuestListener
    package let hasIPv6 = IPv6Support.isAvailable

    package init(tables: NFTables?, listener: GuestListener) { (self.tables, self.listener) = (tables, listener) }

    package func network() throws(KernelError) -> HostNetwork { try HostNetwork.read() }
    package func use(except bridges: Set<Int32>) throws(KernelError) -> String? { try HostUse.reason(except: bridges) }
    package func isIPv6Disabled(onBridge name: String) throws(KernelError) -> Bool {
        try IPv6Support.isDisabled(onInterface: name)
    }
    package func add(_ address: LinkAddress) throws(KernelError) { try Addresses.add(address) }
    package func remove(_ address: LinkAddress) throws(KernelError) { try Addresses.remove(address) }

    package func startLearningFromLinkLocal(onBridge index: Int32) throws(KernelError) {
        try BridgeOptions.setLearnsFromLinkLocal(true, ofBridge: index)
    }

    package func takeDown(_ index: Int32) throws(KernelError) { try Links.set(index, up: false) }

    package func portsInUse() throws(KernelError) -> Set<UInt16> { try LocalPorts.inUse() }

    package func listen(on address: SocketAddress, of scope: ListenScope) async throws(ListenError) -> ListeningSocket {
        let id = try await listener.open(address, of: scope)
        return ListeningSocket { [listener] in listener.close(id) }
    }
}
