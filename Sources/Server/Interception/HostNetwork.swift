import Common
import Kernel

/// The links and addresses of the host as they are at one moment.
struct HostNetwork {
    private let links: [String: Link]
    private let portsByBridge: [Int32: [Link]]
    private let addresses: [Int32: [LinkAddress]]

    /// Puts it together; `read` asks the kernel.
    init(links: [Link], addresses: [LinkAddress]) {
        self.links = Dictionary(links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        portsByBridge = Dictionary(grouping: links.filter { $0.master != nil }, by: { $0.master ?? 0 })
        self.addresses = Dictionary(grouping: addresses, by: \.interface)
    }

    /// Asks the kernel, in the network namespace of the calling thread.
    static func read() throws(KernelError) -> HostNetwork {
        HostNetwork(links: try Links.all(), addresses: try Addresses.all())
    }

    /// The link of that name, if there is one.
    func link(named name: String) -> Link? { links[name] }

    /// The links that are plugged into a bridge.
    func ports(of bridge: Int32) -> [Link] { portsByBridge[bridge] ?? [] }

    /// The addresses of a link.
    func addresses(of link: Int32) -> [LinkAddress] { addresses[link] ?? [] }
}
