import Common
import Guests
import Identity
import Interception
import Logging
import VendorData

extension Setting {
    /// All settings, in the order of their groups.
    package static let all: [Setting] = network + guests + security + limits + paths + logging

    private static let network: [Setting] = [
        list(
            "connect", .network, \.connect, .text("uri"), example: "qemu+unix:///system",
            "libvirt URI whose domains are served. The first is the local hypervisor; further URIs are remote hosts.",
            check: Read.uris),
        list(
            "network", .network, \.servedNetworks, .text("name"), example: "default",
            unset: "the bridges of running enabled domains",
            """
            Serve only the bridge of this libvirt network, whether or not a domain on it is enabled. 'all' serves the bridges of \
            every network and every domain.
            """,
            check: Read.networks),
        list(
            "bridge", .network, \.interception.selection.bridges, .text("name", Read.bridge), example: "br0",
            "Serve only this bridge, and the bridges of the networks in --network."),
        list(
            "listen", .network, \.listen, .socketAddress, example: "127.0.0.1:8775",
            """
            Additional listen address for guests. With --listen, but without --network, --bridge and --intercept, no bridge is served.
            """),
        single(
            "intercept", .network, \.interception.mode, .choice("mode"), example: "redirect",
            "How to intercept requests to the metadata addresses; auto chooses a mode for each bridge."),
        single(
            "listener-ports", .network, \.interception.listenerPorts, .ports, example: "62000-64999",
            """
            TCP ports that intercepted requests are sent to: two or more for each guest interface. A firewall on the host must \
            accept them on the served bridges.
            """),
        flag(
            "leave-open", .network, \.leavesBridgesOpen,
            """
            On exit, remove all addresses and rules. Otherwise they stay and drop metadata requests, so that guests cannot reach \
            another metadata server.
            """),
        optional(
            "neighbours", .network, \.neighbours, .text("file"), example: "/etc/virt-metadata/neighbours", unset: "none",
            """
            Map client IP addresses to MAC addresses from this file (same format as /proc/net/arp). For use without a bridge, \
            such as behind a proxy.
            """),
    ]

    private static let guests: [Setting] = [
        flag(
            "use-persistent-metadata", .guests, \.edited,
            "Serve <title> and <metadata> from the persistent definition, so that `virsh edit` takes effect immediately."),
        flag(
            "allow-password", .guests, \.allowsPasswords,
            """
            Store the first password that a guest posts in its domain's metadata. The server then opens a second libvirt connection, \
            which can write.
            """),
        list(
            "vendordata-target", .guests, \.vendorDataTargets, .vendorDataTarget,
            example: "inventory@http://127.0.0.1:8000/vendordata",
            "Dynamic vendor data service. Its JSON appears under NAME in vendor_data2.json.",
            check: Read.targets),
        single(
            "vendordata-timeout", .guests, \.vendorDataTimeout, .duration(upTo: .seconds(60)), example: "2s",
            "Timeout for a vendordata target; on timeout its data is {}."),
        single(
            "resync-interval", .guests, \.sweepInterval, .duration, example: "10m",
            "Full resync interval, independent of libvirt's events."),
    ]

    private static let security: [Setting] = [
        flag(
            "guard", .security, \.interception.guardsPorts,
            """
            Drop frames and DHCP messages with another guest's MAC address, ARP and neighbour messages in which a guest claims a \
            metadata address, and guests' router advertisements to the host; enforce --max-connections-per-second.
            """),
        single(
            "session-tokens", .security, \.sessionTokens, .choice("policy"), example: "required",
            """
            Whether requests need a session token (IMDSv2). With 'required', clients that send none get no metadata, such as cloud-init \
            with the identities openstack and nocloud. Overridden per domain by imds@tokens.
            """),
        optional(
            "hop-limit", .security, \.sessions.hopLimit, .count(1...64), example: "1", unset: "none",
            """
            IP TTL of token responses, like AWS's HttpPutResponseHopLimit; 1 keeps tokens from being routed beyond the guest. \
            Overridden per domain by imds@hop-limit.
            """),
        list(
            "host-name", .security, \.hostNames, .text("name", Read.hostName), example: "metadata.example",
            """
            Host name that a browser may send, in addition to IP addresses and localhost. A request of a browser with any other \
            name gets 403, as protection against DNS rebinding. Clients that are not browsers may send any name.
            """),
        list(
            "trust-forwarded-for", .security, \.trustForwardedFor, .addressRange, example: "127.0.0.1/32",
            "Address range of proxies whose X-Forwarded-For header is trusted to name the client."),
        optional(
            "neutron-secret", .security, \.secrets.neutronSecret, .text("file", Read.absolutePath),
            example: "/etc/virt-metadata/neutron.secret", unset: "none",
            """
            File with Neutron's metadata_proxy_shared_secret. When set, every client of --listen must be a Neutron metadata agent.
            """),
        optional(
            "token-key", .security, \.secrets.tokenKey, .text("file", Read.absolutePath),
            example: "/etc/virt-metadata/token.key", unset: "token.key in the state directory, created at the first start",
            "Key file for session tokens. Hosts that share it accept each other's tokens."),
        optional(
            "identity-key", .security, \.secrets.identityKey, .text("file", Read.fileOrNone),
            example: "/etc/virt-metadata/identity.pem", unset: "identity.pem in the state directory, created at the first start",
            "PEM file with the RSA key and the certificate that sign identity documents, or 'none'."),
        optional(
            "user", .security, \.user, .text("name"), example: "nobody", unset: "virt-metadata if that user exists",
            "Drop privileges to this user when started as root."),
    ]

    private static let limits: [Setting] = [
        optional(
            "threads", .limits, \.threadCount, .count(1...Configuration.mostThreads), example: "1",
            unset: "one for each processor that the server may use", "Threads that serve guests."),
        single(
            "max-connections", .limits, \.limits.connections, .count(1...1_000_000), example: "4096",
            """
            Max open connections in total. On served bridges, each guest's bridge port can open 8 connections even if the total is reached; \
            these can add up to half of the total.
            """),
        single(
            "max-connections-per-guest", .limits, \.limits.connectionsPerClient, .count(1...1_000_000), example: "64",
            "Max open connections per guest (bridge port, or MAC address, or IP address if neither is known)."),
        single(
            "max-connections-per-second", .limits, \.interception.connectionsPerSecond, .count(1...1_000_000), example: "20",
            "Max new connections per second of each guest's bridge port (burst: 2 s), with --guard. Excess SYNs are dropped."),
        single(
            "max-requests-per-second", .limits, \.limits.rates.requestsPerSecond, .count(1...1_000_000), example: "100",
            "Max requests per second per guest (burst: 2 s); excess gets 429."),
        single(
            "max-bytes-per-second", .limits, \.limits.rates.bytesPerSecond, .count(1024...(1 << 40), "bytes"),
            example: "4194304", "Max response bytes per second per guest (burst: 2 s); excess gets 429."),
        single(
            "max-cpu-per-second", .limits, \.limits.rates.cpuPerSecond, .duration(upTo: .seconds(Configuration.mostThreads)),
            example: "500ms", "Max processor time per second per guest (burst: 2 s); excess gets 429."),
        single(
            "max-held-requests", .limits, \.limits.heldRequests, .count(0...1_000_000), example: "512",
            """
            Max requests in total that wait because their domain is not known yet, or not all domains have been read once (see --hold-timeout); excess gets 503 until all domains \
            have been read once, 404 afterwards.
            """),
        single(
            "max-held-requests-per-guest", .limits, \.limits.heldPerClient, .count(0...1_000_000), example: "8",
            "Max requests of one guest that wait in this way; excess as with max-held-requests."),
        single(
            "max-request-header-bytes", .limits, \.limits.requestHeadBytes, .count(256...(1 << 20), "bytes"), example: "32768",
            "Max size of a request's header; larger ones get 431."),
        single(
            "max-request-body-bytes", .limits, \.limits.requestBodyBytes, .count(0...(16 << 20), "bytes"), example: "131072",
            "Max size of a request's body; larger ones get 413."),
        single(
            "request-timeout", .limits, \.limits.requestTimeout, .duration, example: "5s",
            "Time from a request's first byte to its last; slower ones get 408."),
        single(
            "idle-timeout", .limits, \.limits.idleTimeout, .duration, example: "30s",
            "Time after which a connection without a request is closed."),
        single(
            "hold-timeout", .limits, \.limits.holdTimeout, .duration, example: "2500ms",
            """
            Longest time that a request waits for its domain. Then it gets 503 if not all domains have been read once, and 404 \
            if its bridge port has no known domain.
            """),
    ]

    private static let paths: [Setting] = [
        single(
            "run-directory", .paths, \.runDirectory, .text("directory", Read.absolutePath), example: "/run/vm",
            "Runtime directory (admin socket, lock, record of installed addresses and rules)."),
        optional(
            "admin-socket", .paths, \.adminSocket, .text("file", Read.pathOrNone), example: "/run/vm/admin.sock",
            unset: "admin.sock in the run directory; none if no bridge can be served ('intercept: none', or 'listen' alone)",
            "Path of the admin Unix socket, or 'none'."),
        single(
            "state-directory", .paths, \.secrets.directory, .text("directory", Read.absolutePath), example: "/srv/vm",
            "Directory for persistent keys (token.key, identity.pem)."),
    ]

    private static let logging: [Setting] = [
        single("log-level", .logging, \.logLevel, .choice("level"), example: "debug", "Lowest level of messages to log."),
        optional(
            "admin-listen", .logging, \.adminListen, .loopbackAddress, example: "127.0.0.1:9169", unset: "none",
            "Expose metrics and health on this loopback address."),
    ]
}
