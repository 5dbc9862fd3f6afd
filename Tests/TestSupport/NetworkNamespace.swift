import CLinux
import Common
import Dispatch
import Foundation
import Synchronization

/// A network of its own (`network_namespaces(7)`) that a test makes, and that is removed with its object.
///
/// It starts with its loopback up and nothing else, and its IPv6 addresses are usable at once (no duplicate address detection).
/// All bridges, veths and addresses of tests live in such namespaces, so no test touches the network of the machine.
package final class NetworkNamespace: Sendable {
    /// The name `ip netns` lists.
    package let name: String
    private let removed = Locked(false)
    private static let count = Atomic<Int>(0)

    /// Whether this process may make network namespaces with bridges and veths, which needs root and their kernel modules;
    /// found out once, by making them.
    package static let isAvailable: Bool = {
        guard let host = try? NetworkNamespace(), let guest = try? NetworkNamespace() else { return false }
        return (try? GuestLink(from: guest, to: "br0", in: host, mac: "02:00:00:00:00:01")) != nil
    }()

    /// Makes a namespace whose name no other has.
    /// - Throws: `Command.Failure`, for one without the rights.
    package init() throws {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        name = "vmt-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
        try Command.succeed(["ip", "netns", "add", name])
        do {
            let off = ["all", "default"].map { "echo 0 > /proc/sys/net/ipv6/conf/\($0)/dad_transmits" }
            try run("sh", "-c", off.joined(separator: " && "))
            try run("ip", "link", "set", "lo", "up")
        } catch {
            remove()
            throw error
        }
    }

    deinit { remove() }

    /// Removes the namespace and every link in it; doing so again does nothing. What still runs in it keeps it alive, nameless.
    package func remove() {
        let already = removed.withLock { removed in
            defer { removed = true }
            return removed
        }
        guard !already else { return }
        _ = try? Command.run(["ip", "netns", "delete", name])
    }

    /// Runs a program in this namespace and returns its standard output.
    /// - Throws: `Command.Failure` for any exit status but 0, and what `Command.run` throws.
    @discardableResult
    package func run(_ command: String...) throws -> String {
        try Command.succeed(command, in: name)
    }

    /// Opens an existing tap as QEMU does, and ends: a persistent one stays.
    package func openTap(_ name: String) throws {
        let script = """
            import fcntl, struct, sys
            # TUNSETIFF: IFF_TAP, IFF_NO_PI.
            fcntl.ioctl(open("/dev/net/tun", "r+b", 0), 0x400454CA, struct.pack("16sH22x", sys.argv[1].encode(), 0x0002 | 0x1000))
            """
        try run("python3", "-c", script, name)
    }

    /// Makes a bridge in this namespace, gives it addresses such as `10.0.0.1/24`, and brings it up; an existing one only gets
    /// the addresses.
    package func addBridge(_ bridge: String, addresses: [String] = []) throws {
        if try Command.run(["ip", "link", "show", bridge], in: name).status != 0 {
            try run("ip", "link", "add", bridge, "type", "bridge")
        }
        try run("ip", "link", "set", bridge, "up")
        try add(addresses, to: bridge)
    }

    /// Adds addresses with their prefix lengths to a link of this namespace.
    func add(_ addresses: [String], to link: String) throws {
        for address in addresses {
            let nodad = address.contains(":") ? ["nodad"] : []
            try Command.succeed(["ip", "address", "add", address, "dev", link] + nodad, in: name)
        }
    }

    /// Runs `body` on a thread of its own that has entered this namespace (`setns(2)`) and ends afterwards: the sockets it opens
    /// belong to this namespace for good, wherever they are used later. The client waits.
    /// - Throws: What `body` throws, or `POSIXError` where the namespace cannot be entered.
    package func enter<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let path = URL(filePath: "/run/netns/\(name)")
        let box = Box<Value>()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Result {
                let handle = try FileHandle(forReadingFrom: path)
                guard clinux_enter_network_namespace(handle.fileDescriptor) == 0 else {
                    throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM)
                }
                return try body()
            }
            box.result.withLock { $0 = result }
            done.signal()
        }
        thread.start()
        done.wait()
        guard let result = box.result.withLock({ $0 }) else { preconditionFailure("a thread ended without a result") }
        return try result.get()
    }

    /// Where the thread of `enter` leaves what it got.
    private final class Box<Value: Sendable>: Sendable {
        let result = Locked<Result<Value, any Error>?>(nil)
    }
}

/// A guest's connection to a network: its namespace joined by a veth to a bridge in the host's namespace, as libvirt does with a tap.
package struct GuestLink: Sendable {
    /// The guest's own namespace.
    package let guest: NetworkNamespace
    /// The namespace with the bridge.
    package let host: NetworkNamespace
    /// The interface in the guest.
    package let interface: String
    /// The port of the bridge that leads to the guest.
    package let port: String
    /// The guest's hardware address.
    package let mac: String

    private static let count = Atomic<Int>(0)

    /// Joins `guest` to `bridge`, which is made if it is not there.
    /// - Parameters:
    ///   - mac: The guest's hardware address, as `52:54:00:00:00:01`.
    ///   - addresses: The guest's addresses with their prefix lengths, as `10.0.0.2/24` and `fd00::2/64`.
    ///   - interface: The name of the link in the guest.
    ///   - port: The name of the bridge's port; `nil` gives it one that no other has.
    /// - Throws: `Command.Failure`.
    package init(
        from guest: NetworkNamespace, to bridge: String, in host: NetworkNamespace, mac: String, addresses: [String] = [],
        interface: String = "eth0", port: String? = nil
    ) throws {
        let port = port ?? "vnet\(Self.count.add(1, ordering: .relaxed).newValue)"
        (self.guest, self.host, self.interface, self.port, self.mac) = (guest, host, interface, port, mac)
        try host.addBridge(bridge)
        try host.run(
            "ip", "link", "add", port, "type", "veth", "peer", "name", interface, "address", mac, "netns", guest.name)
        try host.run("ip", "link", "set", port, "master", bridge, "up")
        try guest.run("ip", "link", "set", interface, "up")
        try guest.add(addresses, to: interface)
    }
}
