import CLibvirt
package import Common
import Glibc

/// A DHCP lease of a network, as libvirt reads it from dnsmasq's records.
package struct Lease: Sendable, Hashable {
    package let mac: MACAddress
    package let address: IPAddress
    /// The name that the client sent; not trustworthy.
    package let hostname: String?
    /// In seconds since 1970; 0 means never.
    package let expires: Int64

    package init(mac: MACAddress, address: IPAddress, hostname: String?, expires: Int64) {
        (self.mac, self.address, self.hostname, self.expires) = (mac, address, hostname, expires)
    }

    /// Copies libvirt's lease; `nil` without a valid MAC or address: an IPv6 client need not send its MAC.
    fileprivate init?(copying lease: virNetworkDHCPLease) {
        // Safe: the strings belong to the lease, and are 0-terminated and valid as long as it is; they are copied here.
        guard let mac = unsafe lease.mac.flatMap({ unsafe MACAddress(String(cString: $0)) }),
            let address = unsafe lease.ipaddr.flatMap({ unsafe IPAddress(String(cString: $0)) })
        else { return nil }
        let hostname = unsafe lease.hostname.map { unsafe String(cString: $0) }
        self.init(mac: mac, address: address, hostname: hostname, expires: unsafe lease.expirytime)
    }
}

extension Network {
    /// The current leases; none where the driver does not support them.
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
            // Safe: libvirt returns `count` leases, each of which the caller must free, and then the array.
            return unsafe UnsafeBufferPointer(start: list, count: Int(count)).compactMap { entry in
                guard let entry = unsafe entry else { return nil }
                defer { unsafe virNetworkDHCPLeaseFree(entry) }
                return unsafe Lease(copying: entry.pointee)
            }
        }
    }
}
