/// What one guest, or all guests together, may use of the server. Everything that comes from a guest has a limit.
/// What settings call a caller is a client here.
package struct GuestLimits: Sendable {
    /// Names and values of a request's head, in bytes: far beyond what any cloud agent sends.
    package var requestHeadBytes = 16 << 10
    /// A request's body, in bytes: no path accepts a larger one.
    package var requestBodyBytes = 64 << 10
    /// From a request's first byte to its last: a guest on the same host needs a millisecond.
    package var requestTimeout = Duration.seconds(10)
    /// Without a request, and for a guest that does not read its reply.
    package var idleTimeout = Duration.seconds(60)
    /// For a request that must wait until the inventory is known: longer than libvirt takes to list a large host, shorter than
    /// clients wait.
    package var holdTimeout = Duration.seconds(5)
    /// In all; each needs a file descriptor.
    package var connections = 8192
    /// For one client: cloud-init opens one at a time.
    package var connectionsPerClient = 128
    /// In all, at one time.
    package var heldRequests = 1024
    /// For one client, at one time: a guest that waits for its domain sends one request after the other.
    package var heldPerClient = 32
    /// The rates of one client: cloud-init sends some fifty requests at each boot, and Amazon's own service allows about as many
    /// as this; a fifth of one core leaves the rest to the other clients.
    package var rates = RateLimit.Rates(requestsPerSecond: 1000, bytesPerSecond: 8 << 20, cpuPerSecond: .milliseconds(200))
    /// How long a client's reading of its reply is measured before it can be found too slow.
    var readingPeriod = Duration.seconds(10)
    /// Whether bridges are served, whose ports have priority for connections.
    package var servesBridges = false

    package init() {}

    /// How many connections ports may open, each its first few, beyond ``connections``.
    package var reservedConnections: Int { servesBridges ? connections / 2 : 0 }
    /// How many connections all clients without a port may have together, so that the rest can only be filled by guests.
    var connectionsWithoutPort: Int { servesBridges ? connections - connections / 4 : connections }
}
