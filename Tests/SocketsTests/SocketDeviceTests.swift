import Common
import TestSupport
import Testing

@testable import Netlink
@testable import Sockets

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct SocketDeviceTests {
    @Test func `a bound socket receives only its link's packets, and another may have the same port`() throws {
        let host = try NetworkNamespace()
        let guests = [try NetworkNamespace(), try NetworkNamespace()]
        for (number, guest) in guests.enumerated() {
            _ = try GuestLink(
                from: guest, to: "br\(number)", in: host, mac: "52:54:00:00:00:0\(number)", addresses: ["fd00:\(number)::2/64"])
            try host.addBridge("br\(number)", addresses: ["fd00:\(number)::1/64"])
        }
        let (listener, port) = try host.enter {
            let listener = try TCPSocket.listener()
            let bridge = try Links.index(ofInterface: "br0") ?? 0
            try SocketDevice.bind(listener.descriptor, toInterface: bridge)
            return (listener, try listener.port())
        }
        _ = try guests[0].enter { try TCPSocket.connection(to: "fd00:0::1", port: port) }
        #expect(throws: TCPSocket.Failure.self, "the other guest is refused") {
            _ = try guests[1].enter { try TCPSocket.connection(to: "fd00:1::1", port: port) }
        }
        _ = listener
    }

    @Test func `an index that no link can have is an error`() throws {
        let listener = try TCPSocket.listener()
        #expect(throws: KernelError(.invalidArgument, in: "setsockopt(SO_BINDTOIFINDEX)")) {
            try SocketDevice.bind(listener.descriptor, toInterface: -1)
        }
    }
}
