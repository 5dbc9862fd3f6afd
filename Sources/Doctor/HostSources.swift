import Common
import JSON
import Libvirt
import NFTables
import Netlink

/// Where the facts about this host come from. One examination of the host connects once and dumps the rules once, however many domains
/// there are; tests count that.
struct HostSources: Sendable {
    /// Rules of large hosts name every guest.
    private static let longestRuleset = 64 << 20

    /// Connects to a hypervisor.
    var connect: @Sendable (_ uri: String) async throws(LibvirtError) -> Hypervisor = { (uri) async throws(LibvirtError) in
        let hypervisor = Hypervisor(uri: uri) { _ in }
        do throws(LibvirtError) {
            try await hypervisor.connect()
        } catch {
            await hypervisor.disconnect()
            throw error
        }
        return hypervisor
    }

    /// All rules of nftables, as `nft -j list ruleset` prints them.
    var ruleset: @Sendable () throws -> JSONValue = {
        try JSONParsing.value(of: try NFTables().ruleset(), limit: longestRuleset)
    }

    /// The link of a name; `nil` where there is none.
    var link: @Sendable (_ name: String) throws(KernelError) -> Link? = { name throws(KernelError) in try Links.link(named: name)
    }
}
