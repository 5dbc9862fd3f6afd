import Glibc
import Kernel
import NIOCore

/// An address that cannot be listened on.
struct ListenError: Error, CustomStringConvertible {
    let address: SocketAddress
    let place: ListeningPlace
    let cause: any Error

    /// Whether something else listens there.
    var isHeldByAnother: Bool { number == EADDRINUSE }

    /// What is wrong, and what to do about it.
    var description: String {
        let shown = address.inBrackets
        switch number {
        case EADDRINUSE:
            return "cannot listen on \(shown): something else does; `ss -ltnp sport = :\(address.port ?? 0)` shows what"
        case EADDRNOTAVAIL:
            return
                "cannot listen on \(shown): no interface has this address; give it to one (`ip address add`), or choose another "
                + "with --listen"
        case EACCES:
            return "cannot listen on \(shown): ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        case EPERM:
            return "cannot listen on \(shown) at one bridge: this needs root or the capability CAP_NET_RAW"
        default:
            return "cannot listen on \(shown): \(cause)"
        }
    }

    /// The number of `errno(3)`, if it has one.
    private var number: CInt? {
        (cause as? IOError)?.errnoCode ?? (cause as? KernelError)?.code.rawValue
    }
}

extension SocketAddress {
    /// As it is written in the configuration: `127.0.0.1:80`, `[::1]:80`.
    var inBrackets: String {
        let host = ipAddress ?? ""
        return host.contains(":") ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}
