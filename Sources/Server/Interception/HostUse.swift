import Common
import Glibc
import Kernel

/// Why a host cannot give its bridges the metadata addresses: what it has of its own under them.
struct HostUse {
    /// The port that guests ask.
    static let port: UInt16 = 80

    /// The first reason, in words; `nil` where there is none.
    ///
    /// - Parameter bridges: the indexes of the bridges that are ours to serve, where the addresses may be.
    /// - Throws: `KernelError` where the kernel cannot be asked.
    static func reason(except bridges: Set<Int32>) throws(KernelError) -> String? {
        let own = getpid()
        let metadata = [MetadataAddress.v4] + MetadataAddress.v6
        let holder = try PortHolder.all(ofPort: port).first { holder in
            // Who listens on another address is not in our way.
            holder.process != own && (holder.address.octets.allSatisfy { $0 == 0 } || metadata.contains(holder.address))
        }
        if let holder {
            let who = holder.name.map { "\($0) (process \(holder.process ?? 0))" } ?? "a process that cannot be seen"
            return "port \(port) is held by \(who)"
        }
        guard let use = try AddressUse.all(of: MetadataAddress.v4, except: bridges).first else { return nil }
        let link = try Links.name(ofInterface: use.interface) ?? "link \(use.interface)"
        switch use {
        case .address: return "the host itself has \(MetadataAddress.v4) on \(link)"
        case .route: return "the host itself reaches \(MetadataAddress.v4) by a route over \(link)"
        case .neighbour(_, let mac): return "\(mac) answers the host for \(MetadataAddress.v4) on \(link)"
        }
    }
}
