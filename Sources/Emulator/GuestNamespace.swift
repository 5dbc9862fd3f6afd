package import Common
import FoundationEssentials
import Glibc
import Host
import Netlink

/// A network namespace in which the emulator has the addresses of a metadata server, and nothing else is reachable: for clients that
/// know no other address. It needs no rights, where the kernel grants user namespaces (user_namespaces(7)).
///
/// A process with several threads, as this one, cannot enter a new user namespace, so unshare(1) does it and starts this program again.
package enum GuestNamespace {
    /// The variable by which the program that is started again knows it: the network namespace outside.
    private static let marker = "VIRT_METADATA_EMULATOR_OUTSIDE"

    /// How a namespace is made: with no rights, or else with root's, where user namespaces are forbidden to everyone.
    private static let ways = [["unshare", "--user", "--map-root-user", "--net"], ["unshare", "--net"]]

    /// Whether this process is inside, with the addresses to itself: its network namespace is not the one that it was started from.
    package static var isInside: Bool {
        guard let outside = ProcessInfo.processInfo.environment[marker], let own = networkNamespace else { return false }
        return outside != own
    }

    /// Of IPv4, Amazon's of IPv6, and Nova's of IPv6, as far as the host has IPv6.
    package static var addresses: [IPAddress] { all.map(\.address) }

    private static let all = [("169.254.169.254", 32), ("fd00:ec2::254", 128), ("fe80::a9fe:a9fe", 128)].compactMap {
        text, length in
        IPAddress(text).map { (address: $0, length: length) }
    }

    /// Whether an address belongs to metadata services: on a machine of a cloud it is that machine's own service.
    package static func isReserved(_ address: IPAddress) -> Bool { addresses.contains(address.withoutZone) }

    /// Starts this program again with the same arguments, inside a new namespace.
    ///
    /// - Throws: ``EmulatorError`` where the host does not allow it.
    package static func restart() async throws(EmulatorError) -> Never {
        let environment = ProcessInfo.processInfo.environment
        do throws(KernelError) {
            var found: [String]?
            for way in ways where found == nil {
                let trial = try ChildProgram(way + ["true"], environment: environment, isSilent: true)
                if await trial.wait() == 0 { found = way }
            }
            guard let unshare = found else { throw KernelError(.notPermitted, in: "unshare") }
            guard let outside = networkNamespace else { throw KernelError(.noSuchEntry, in: "readlink(/proc/self/ns/net)") }
            guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
                throw KernelError(.noSuchEntry, in: "readlink(/proc/self/exe)")
            }
            // Safe: setenv(3) copies both texts.
            unsafe setenv(marker, outside, 1)
            try ChildProgram.replaceThisProgram(by: unshare + [program] + CommandLine.arguments.dropFirst())
        } catch {
            switch (error.code, error.operation) {
            case (.notPermitted, "unshare"): throw EmulatorError(refusal)
            case (.noSuchEntry, "posix_spawnp"):
                throw EmulatorError("cannot find the program unshare: install util-linux, or use --no-namespace")
            default: throw EmulatorError("cannot start again in a network namespace: \(error)")
            }
        }
    }

    private static let refusal =
        "this host allows no user namespace (sysctl kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces, or a "
        + "container's seccomp): run as root, or use --no-namespace for a command that reads AWS_EC2_METADATA_SERVICE_ENDPOINT or "
        + "VIRT_METADATA_URL"

    /// Gives the loopback link the addresses.
    ///
    /// - Returns: those that it has: without IPv6, only the first.
    package static func setUp() throws(EmulatorError) -> [IPAddress] {
        // A new namespace has none; whatever the environment says, a host's own loopback is left alone.
        guard let present = try? Addresses.all(), present.isEmpty else {
            throw EmulatorError("this network namespace is not a new one: unset \(marker)")
        }
        do throws(KernelError) {
            guard let loopback = try Links.index(ofInterface: "lo") else {
                throw KernelError(.noSuchDevice, in: "if_nametoindex(lo)")
            }
            try Links.set(loopback, up: true)
            var added: [IPAddress] = []
            for (address, length) in all {
                do throws(KernelError) {
                    try Addresses.add(LinkAddress(address, prefixLength: length, interface: loopback))
                } catch {
                    // The host has no IPv6.
                    guard address.family == .v6 else { throw error }
                    continue
                }
                added.append(address.isLinkLocal ? IPAddress("\(address)%lo") ?? address : address)
            }
            return added
        } catch {
            throw EmulatorError("cannot set up the network namespace: \(error)")
        }
    }

    /// The environment for a command inside: without the marker.
    package static func cleaned(_ environment: [String: String]) -> [String: String] { environment.filter { $0.key != marker } }

    private static var networkNamespace: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
    }
}
