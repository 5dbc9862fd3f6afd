import Common
import Inventory
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
        /// In all, at one time.
        var heldRequests = 1024
        /// Of one caller, at one time: a guest that waits for its domain asks one thing after the other.
        var heldPerCaller = 32
        /// What one caller may ask for in a while: cloud-init asks some fifty requests at each boot, Amazon's own service takes
        /// about as many as this.
        var rates = Allowance.Rates(requestsPerSecond: 1000, bytesPerSecond: 8 << 20)
    }

    /// A setting as it was given, by which two configurations are told apart.
    struct Given: Sendable, Equatable {
        let name: String
        let values: [String]
    }

    /// What was given, by the names of the settings, in their order; the rest is as it is by default.
    private(set) var given: [Given] = []

    /// libvirt's URIs of the hypervisors (https://libvirt.org/uri.html), this host's first.
    var connect = ["qemu:///system"]
    /// Who the server becomes when it is started as root; `nil` is the usual user, if this host has it.
    var user: String?
    /// The addresses to listen on besides the bridges.
    var listen: [SocketAddress] = []
    /// How guests' packets for the metadata addresses become ours, and of which bridges.
    var interception = Interceptor.Settings()
    /// Whether the bridges are left as they were found when the server ends.
    var leavesOpen = false
    /// Where it is written what we put into the kernel.
    var runDirectory = "/run/virt-metadata"
    /// The Unix socket of the operator's side, if it was named.
    var adminSocket: String?
    /// Where metrics are shown besides; on loopback.
    var adminListen: SocketAddress?
    /// The peers whose `X-Forwarded-For` is believed; nobody's, as a rule.
    var trustForwardedFor: [AddressRange] = []
    /// A file that stands in for the neighbour table where there is no Ethernet.
    var neighbours: String?
    /// Whether the operator's words are taken from the definition for the next start.
    var edited = false
    /// Whether guests may leave a password, once, which takes a connection to libvirt that can write.
    var allowsPasswords = false
    /// Who has a say in vendor data besides the operator, in the order in which guests find them.
    var vendorDataTargets: [VendorDataTarget] = []
    /// How long each of them may take.
    var vendorDataTimeout = Duration.seconds(5)
    /// How often everything is read again, whatever events said.
    var sweepInterval = Duration.seconds(300)
    /// What is logged.
    var logLevel = Logger.Level.info
    /// How many event loops serve guests.
    var threads = 1
    /// What guests may ask of us.
    var limits = Limits()
    /// Where our secrets are.
    var secrets = Secrets.Places()
    /// What instances say whose operators have left it out; only the file has it.
    var defaults = InstanceDefaults()
    /// What is demanded of those who read metadata, where an instance's operator says nothing.
    var sessions = SessionPolicy()
}

extension Configuration {
    /// Remembers what a setting was given, in the place of what a weaker source gave it.
    mutating func remember(_ name: String, _ values: [String]) {
        given.removeAll { $0.name == name }
        guard !values.isEmpty else { return }
        given.insert(Given(name: name, values: values), at: given.firstIndex { $0.name > name } ?? given.endIndex)
    }

    /// The names of the settings that another configuration has otherwise.
    func differences(from other: Configuration) -> [String] {
        let names = Set((given + other.given).map(\.name))
        return names.filter { name in given.first { $0.name == name } != other.given.first { $0.name == name } }.sorted()
    }

    /// The word for no socket.
    static let noAdminSocket = "none"

    /// The Unix socket of the operator's side, wherever a server with this configuration has it; `nil` for none.
    var adminSocketPath: String? {
        adminSocket == Self.noAdminSocket ? nil : adminSocket ?? runDirectory + "/admin.sock"
    }

    /// Whether bridges are served: unless the operator turns that off, or says where to listen and nothing of bridges.
    ///
    /// - Throws: where this host's hypervisor is libvirt's own test driver, whose networks are none of this host.
    func followsBridges() throws(ConfigurationError) -> Bool {
        guard interception.mode != .none else {
            guard !listen.isEmpty else {
                let problem = "there is nothing to listen on; say where your redirected packets go by --listen"
                throw ConfigurationError(place: "--intercept none", problem: problem)
            }
            return false
        }
        if interception.mode != .auto || interception.selection != BridgeSelection() { return true }
        guard listen.isEmpty else { return false }
        if let local = connect.first, local.hasPrefix("test") {
            let problem = "the guests of libvirt's test driver are plugged into no bridge; say where to listen by --listen"
            throw ConfigurationError(place: "--connect \(local)", problem: problem)
        }
        return true
    }
}
