package import Common

/// Whether IPv6 is available, in the network namespace of the calling process.
package enum IPv6Support {
    /// Whether IPv6 is disabled on a link (`disable_ipv6` of `/proc/sys/net/ipv6/conf`), as libvirt does for networks without
    /// an IPv6 address; also where the kernel has no IPv6 at all, or the link does not exist.
    /// - Throws: `KernelError` with the code of `open(2)` or `read(2)`.
    package static func isDisabled(onInterface name: String) throws(KernelError) -> Bool {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            return true
        }
        do {
            let (_, bytes) = try FileVersion.read("/proc/sys/net/ipv6/conf/\(name)/disable_ipv6", mostBytes: 64)
            return bytes.first != UInt8(ascii: "0")
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return true
        }
    }

    /// Whether the kernel supports IPv6 at all (`/proc/net/if_inet6`).
    package static var isAvailable: Bool { (try? FileVersion(at: "/proc/net/if_inet6")) != nil }
}
