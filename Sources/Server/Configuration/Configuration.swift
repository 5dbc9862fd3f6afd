import Common
import Logging
import NIOCore

/// Everything that can be set, read once at the start.
struct Configuration: Sendable {
    /// What one guest, or all together, may ask of us. Everything that comes from a guest has a limit.
    struct Limits: Sendable {
        /// Names and values of a request's head, in bytes: far beyond what any cloud agent sends.
        var requestHeadBytes = 16 << 10
        /// A request's body, in bytes: no place takes one that is larger.
        var requestBodyBytes = 64 << 10
        /// From a request's first byte to its last: a guest on the same host needs a millisecond.
        var requestTimeout = Duration.seconds(10)
        /// Without a request, and for a guest that does not read its reply.
        var idleTimeout = Duration.seconds(60)
        /// For a request that must wait until the inventory is known: longer than libvirt takes to list a large host, shorter
        /// than clients wait.
        var holdTimeout = Duration.seconds(5)
        /// In all; each needs a file descriptor.
        var connections = 8192
        /// Of one caller: cloud-init opens one at a time.
        var connectionsPerCaller = 128
        /// At one time.
        var heldRequests = 1024
    }

    /// libvirt's URI of the hypervisor (https://libvirt.org/uri.html).
    var connect = "qemu:///system"
    /// The addresses to listen on.
    var listen: [SocketAddress] = []
    /// The peers whose `X-Forwarded-For` is believed; nobody's, as a rule.
    var trustForwardedFor: [AddressRange] = []
    /// A file that stands in for the neighbour table where there is no Ethernet.
    var neighbours: String?
    /// Whether the operator's words are taken from the definition for the next start.
    var edited = false
    /// How often everything is read again, whatever events said.
    var sweepInterval = Duration.seconds(300)
    /// What is logged.
    var logLevel = Logger.Level.info
    /// How many event loops serve guests.
    var threads = 1
    /// What guests may ask of us.
    var limits = Limits()
}

extension Configuration {
    /// Where guests look for metadata, and where we listen unless told otherwise.
    static let metadataAddress = "169.254.169.254:80"
}
