import CLibvirt
public import Common
import Glibc

/// An address that a network's DHCP server has given to an interface for a time, as libvirt reads it from dnsmasq's records.
public struct Lease: Sendable, Hashable {
    /// The interface that has it.
    public let mac: MACAddress
    /// The address.
    public let address: IPAddress
    /// The name that the client gave itself; a claim, not a fact.
    public let hostname: String?
    /// When it ends, in seconds since 1970; 0 means never.
    public let expires: Int64

    /// A lease from its parts.
    public init(mac: MACAddress, address: IPAddress, hostname: String?, expires: Int64) {
        (self.mac, self.address, self.hostname, self.expires) = (mac, address, hostname, expires)
    }

    /// Copies what libvirt gives; `nil` without a readable MAC or address, which an IPv6 client need not have told.
    fileprivate init?(copying lease: virNetworkDHCPLease) {
        // Safe: the texts belong to the lease and stand, 0-terminated, while it does; they are copied here.
        guard let mac = unsafe lease.mac.flatMap({ unsafe MACAddress(String(cString: $0)) }),
            let address = unsafe lease.ipaddr.flatMap({ unsafe IPAddress(String(cString: $0)) })
        else { return nil }
        let hostname = unsafe lease.hostname.map { unsafe String(cString: $0) }
        self.init(mac: mac, address: address, hostname: hostname, expires: unsafe lease.expirytime)
    }
}

extension Network {
    /// The leases that stand now; none where the driver does not know them.
    func leases() throws(LibvirtError) -> [Lease] {
        try unsafe withPointer { (pointer: virNetworkPtr) throws(LibvirtError) in
            var list: UnsafeMutablePointer<virNetworkDHCPLeasePtr?>?
            let count = unsafe virNetworkGetDHCPLeases(pointer, nil, &list, 0)
            if count < 0 {
                let error = LibvirtError.last("virNetworkGetDHCPLeases")
                guard error.code == .noSupport else { throw error }
                return []
            }
            defer { unsafe free(list) }
            // Safe: libvirt gives `count` leases, each to be freed by us, and then the array.
            return unsafe UnsafeBufferPointer(start: list, count: Int(count)).compactMap { entry in
                guard let entry = unsafe entry else { return nil }
                defer { unsafe virNetworkDHCPLeaseFree(entry) }
                return unsafe Lease(copying: entry.pointee)
            }
        }
    }
}
