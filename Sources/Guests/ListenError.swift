import Common
import Glibc
package import NIOCore

/// An address that cannot be listened on.
package struct ListenError: Error, CustomStringConvertible {
    package let address: SocketAddress
    package let scope: ListenScope
    package let cause: any Error

    package init(address: SocketAddress, scope: ListenScope, cause: any Error) {
        (self.address, self.scope, self.cause) = (address, scope, cause)
    }

    /// Whether another process listens there.
    package var isHeldByAnother: Bool { number == EADDRINUSE }

    package var description: String {
        let shown = address.inBrackets
        switch number {
        case EADDRINUSE:
            return "cannot listen on \(shown): address already in use (check: ss -ltnp sport = :\(address.port ?? 0))"
        case EADDRNOTAVAIL:
            return
                "cannot listen on \(shown): no interface has this address; add it (ip address add), or choose another with --listen"
        case EACCES:
            return "cannot listen on \(shown): permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE"
        case EPERM:
            return "cannot listen on \(shown) on one bridge: permission denied; run as root or with CAP_NET_RAW"
        default:
            return "cannot listen on \(shown): \(cause)"
        }
    }

    /// The `errno(3)` of the cause, if it has one.
    private var number: CInt? {
        (cause as? KernelError)?.code.rawValue
    }
}

extension SocketAddress {
    /// In the configuration's form: `127.0.0.1:80`, `[::1]:80`.
    package var inBrackets: String {
        let host = ipAddress ?? ""
        return host.contains(":") ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}
