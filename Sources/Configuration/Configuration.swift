package import Common
package import Description
package import Guests
import Host
package import Identity
package import Interception
package import Logging
package import NIOCore
package import VendorData

/// All settings, read once at the start.
package struct Configuration: Sendable {
    /// Where settings were given, by name; all others have their defaults.
    package private(set) var sources: [String: SettingSource] = [:]

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
    /// How many threads serve guests, if that was given.
    var threadCount: Int?
    /// The host names by which a browser may reach the server: those that EC2 clients use.
    package var hostNames = HostNames.usual
    package var limits = GuestLimits()
    /// The locations of the secrets.
    package var secrets = Secrets.Locations()
    /// What is told to many instances: defaults and profiles; only the file can set them.
    package var defaults = InstanceDefaults()
    /// The session policy of instances whose operators set none.
    package var sessions = SessionPolicy()

    package init() {}
}

extension Configuration {
    /// Records where a setting was given, in place of a weaker source.
    mutating func remember(_ name: String, _ source: SettingSource) {
        sources[name] = source
    }

    /// The values of a setting, as they would be written; `nil` where it has none.
    package func values(of setting: Setting) -> [String]? { setting.values(self) }

    /// Whether a setting has the value that it has in an empty configuration.
    package func isDefault(_ setting: Setting) -> Bool { setting.values(self) == setting.values(Configuration()) }

    /// The names of the settings whose values differ from another configuration.
    package func differences(from other: Configuration) -> [String] {
        Setting.all.filter { $0.values(self) != $0.values(other) }.map(\.name).sorted()
    }

    /// How many threads serve guests: one for each processor that this process may use, unless set.
    package var threads: Int { threadCount ?? min(Self.mostThreads, Processors.usable) }

    /// More threads make nothing faster, and each takes memory of its own.
    static let mostThreads = 64

    /// The value of `network` that serves every bridge.
    static let everyNetwork = "all"

    /// The setting `network`: names, or the word for every bridge.
    var servedNetworks: [String] {
        get { interception.selection.servesAll ? [Self.everyNetwork] : interception.selection.networks }
        set {
            interception.selection.servesAll = newValue == [Self.everyNetwork]
            interception.selection.networks = interception.selection.servesAll ? [] : newValue
        }
    }

    /// The setting `session-tokens`.
    var sessionTokens: SessionPolicy.Tokens {
        get { sessions.tokens ?? .optional }
        set { sessions.tokens = newValue == .optional ? nil : newValue }
    }

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
                let problem = "no listen address: set --listen ADDRESS:PORT to where you redirect the packets"
                throw ConfigurationError(location: "--intercept none", problem: problem)
            }
            return false
        }
        if interception.mode != .auto || interception.selection != BridgeSelection() { return true }
        guard listen.isEmpty else { return false }
        if let local = connect.first, local.hasPrefix("test") {
            let problem = "the guests of libvirt's test driver have no bridge: set --listen ADDRESS:PORT"
            throw ConfigurationError(location: "--connect \(local)", problem: problem)
        }
        return true
    }
}
