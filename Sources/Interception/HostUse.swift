import Common
import Glibc
import Host
import Netlink

/// Why a host cannot add the metadata addresses to its bridges: the host uses them itself.
struct HostUse {
    /// The port that guests connect to.
    static let port: UInt16 = 80

    /// The first reason, as text; `nil` where there is none.
    ///
    /// - Parameter bridges: the indexes of the bridges that are served, where the addresses may be.
    /// - Throws: `KernelError` where the query fails.
    static func reason(except bridges: Set<Int32>) throws(KernelError) -> String? {
        let own = getpid()
        let metadata = [MetadataAddress.v4] + MetadataAddress.v6
        let holder = try PortHolder.all(ofPort: port).first { holder in
            // A listener on another address does not conflict.
            holder.process != own && (holder.address.octets.allSatisfy { $0 == 0 } || metadata.contains(holder.address))
        }
        if let holder {
            let process = holder.name.map { "\($0) (process \(holder.process ?? 0))" } ?? "a process that is not visible"
            return "port \(port) is held by \(process)"
        }
        guard let use = try AddressUse.all(of: MetadataAddress.v4, except: bridges).first else { return nil }
        let link = try Links.name(ofInterface: use.interface) ?? "link \(use.interface)"
        switch use {
        case .address: return "the host itself has \(MetadataAddress.v4) on \(link)"
        case .route: return "the host itself has a route to \(MetadataAddress.v4) over \(link)"
        case .neighbour(_, let mac): return "a machine with the MAC address \(mac) answers for \(MetadataAddress.v4) on \(link)"
        }
    }
}
