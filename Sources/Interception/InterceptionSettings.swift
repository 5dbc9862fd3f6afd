/// The operator's settings of the interception.
package struct InterceptionSettings: Sendable {
    package var mode = InterceptionMode.auto
    package var selection = BridgeSelection()
    package var guardsPorts = true
    /// The most new connections per second of each guarded port. A flooding guest would otherwise fill the queue that all guests share; an
    /// ordinary guest needs some hundred at boot.
    package var connectionsPerSecond = 100
    /// The TCP ports of the listening sockets for guests' ports. Above Linux's range for outgoing connections (`net.ipv4.ip_local_port_range`).
    package var listenerPorts: ClosedRange<UInt16> = 61000...65535

    package init() {}
}
