import Common
import NIOCore

extension IPAddress {
    /// The address of a peer; `nil` for a socket that has none.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let v4): self.init(v4: UInt32(bigEndian: v4.address.sin_addr.s_addr))
        case .v6:
            guard let text = address.ipAddress else { return nil }
            self.init(text)
        case .unixDomainSocket: return nil
        }
    }
}
