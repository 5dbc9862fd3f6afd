package import Common
package import Guests
import Host
package import Identity
package import Interception
package import Inventory
package import Logging
package import NIOCore
package import VendorData

/// All settings, read once at the start.
package struct Configuration: Sendable {
    /// A setting as it was given, to compare two configurations.
    package struct GivenSetting: Sendable, Equatable {
        package let name: String
        package let values: [String]
    }

    /// The given settings, in the order of the table; all others have their defaults.
    package private(set) var given: [GivenSetting] = []

    /// libvirt's URIs of the hypervisors (https://libvirt.org/uri.html), this host's first.
    package var connect = ["qemu:///system"]
    /// The user that the server switches to when it is started as root; `nil` is the default user, if this host has it.
    package var user: String?
    /// The addresses to listen on besides the bridges.
    package var listen: [SocketAddress] = []
    /// How guests' packets for the metadata addresses reach the server, and on which bridges.
    package var interception = InterceptionSettings()
    /// Whether the bridges are left as they were when the server ends, instead of closed to requests for metadata.
    package var leavesBridgesOpen = false
    /// The directory for runtime state: lock, installed addresses and rules, admin socket.
    package var runDirectory = "/run/virt-metadata"
    /// The admin Unix socket, if one was given.
    package var adminSocket: String?
    /// A loopback TCP address that serves metrics too.
    package var adminListen: SocketAddress?
    /// The peers whose `X-Forwarded-For` is trusted; none by default.
    package var trustForwardedFor: [AddressRange] = []
    /// A file that replaces the neighbour table where there is no Ethernet.
    package var neighbours: String?
    /// Whether the operator's element is read from the definition for the next start.
    package var edited = false
    /// Whether guests may set a password, once, which takes a connection to libvirt that can write.
    package var allowsPasswords = false
    /// The services that add to vendor data, in the order in which guests find them.
    package var vendorDataTargets: [VendorDataTarget] = []
    /// The timeout of each target.
    var vendorDataTimeout = Duration.seconds(5)
    /// The interval of a full re-read, independent of events.
    package var sweepInterval = Duration.seconds(300)
    package var logLevel = Logger.Level.info
    /// How many threads serve guests.
    package var threads = min(Self.mostThreads, Processors.usable)
    /// The host names by which a browser may reach the server: those that EC2 clients use.
    package var hostNames = HostNames.usual
    package var limits = GuestLimits()
    /// The locations of the secrets.
    package var secrets = Secrets.Locations()
    /// The values of instances whose operators set none; only the file can set them.
    package var defaults = InstanceDefaults()
    /// The session policy of instances whose operators set none.
    package var sessions = SessionPolicy()
}

extension Configuration {
    /// Records the values of a setting, replacing those of a weaker source.
    mutating func remember(_ name: String, _ values: [String]) {
        given.removeAll { $0.name == name }
        guard !values.isEmpty else { return }
        given.insert(GivenSetting(name: name, values: values), at: given.firstIndex { $0.name > name } ?? given.endIndex)
    }

    /// The names of the settings that differ from another configuration.
    package func differences(from other: Configuration) -> [String] {
        let names = Set((given + other.given).map(\.name))
        return names.filter { name in given.first { $0.name == name } != other.given.first { $0.name == name } }.sorted()
    }

    /// More threads make nothing faster, and each takes memory of its own.
    static let mostThreads = 64

    /// The value that disables the socket.
    static let noAdminSocket = "none"

    /// The admin Unix socket of a server with this configuration; `nil` for none.
    package var adminSocketPath: String? {
        adminSocket == Self.noAdminSocket ? nil : adminSocket ?? runDirectory + "/admin.sock"
    }

    /// Whether bridges are served: unless the operator disables that, or sets listen addresses without mentioning bridges.
    ///
    /// - Throws: where the hypervisor is libvirt's own test driver, whose networks do not exist on this host.
    package func followsBridges() throws(ConfigurationError) -> Bool {
        guard interception.mode != .none else {
            guard !listen.isEmpty else {
                let problem = "there is nothing to listen on; say where your redirected packets go by --listen"
                throw ConfigurationError(location: "--intercept none", problem: problem)
            }
            return false
        }
        if interception.mode != .auto || interception.selection != BridgeSelection() { return true }
        guard listen.isEmpty else { return false }
        if let local = connect.first, local.hasPrefix("test") {
            let problem = "the guests of libvirt's test driver are plugged into no bridge; say where to listen by --listen"
            throw ConfigurationError(location: "--connect \(local)", problem: problem)
        }
        return true
    }
}
