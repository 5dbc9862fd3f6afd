package import Common

/// What domains have in common that each should have for itself, as copies of a domain's XML do: identifiers, and MAC addresses on one
/// bridge. It is built once for all domains of a host.
package struct DomainClones: Sendable {
    /// What two domains share.
    package enum Shared: Sendable, Hashable {
        case instanceID(String)
        /// The UUID in the SMBIOS tables.
        case systemUUID(InstanceUUID)
        case mac(MACAddress, bridge: String)
    }

    package struct Clone: Sendable, Equatable {
        package let shared: Shared
        /// What is wrong, in one sentence.
        package let problem: String
    }

    /// The most names of other domains in a sentence.
    private static let mostNames = 3

    /// The domains that share something: a thousand may share hundreds of things.
    private struct Holders {
        /// Of each name, the domains that have it: one domain may be seen at two hypervisors while it migrates.
        var domains: [String: Set<InstanceUUID>] = [:]
        /// In order.
        var names: [String] = []

        /// The names of the other domains: the first ones, and how many there are.
        func others(than instance: Instance, atMost count: Int) -> (first: [String], count: Int) {
            let isOwn = domains[instance.domainName] == [instance.domain]
            let first = names.lazy.filter { !isOwn || $0 != instance.domainName }.prefix(count)
            return (Array(first), names.count - (isOwn ? 1 : 0))
        }
    }

    private var holders: [Shared: Holders] = [:]

    package init(_ instances: some Sequence<Instance>) {
        for instance in instances {
            for shared in Self.identifiers(of: instance) {
                holders[shared, default: Holders()].domains[instance.domainName, default: []].insert(instance.domain)
            }
        }
        // Nearly all have one holder.
        holders = holders.filter { $0.value.domains.count > 1 || $0.value.domains.values.contains { $0.count > 1 } }
        holders = holders.mapValues { Holders(domains: $0.domains, names: $0.domains.keys.sorted()) }
    }

    /// What a domain shares with others.
    package func clones(of instance: Instance) -> [Clone] {
        Self.identifiers(of: instance).compactMap { shared in
            guard let others = holders[shared]?.others(than: instance, atMost: Self.mostNames), others.count > 0 else {
                return nil
            }
            let named = others.first.map { "'\($0)'" }.joined(separator: ", ")
            let rest = others.count - Self.mostNames
            let names = (others.count == 1 ? "domain " : "domains ") + named + (rest > 0 ? " and \(rest) more" : "")
            return Clone(shared: shared, problem: Self.problem(shared, names))
        }
    }

    private static func problem(_ shared: Shared, _ others: String) -> String {
        switch shared {
        case .instanceID(let id):
            "the instance-id '\(shown(id))' is that of \(others) too: a guest made from the same disk keeps its old data"
        case .systemUUID(let uuid): "the system UUID \(uuid) is that of \(others) too"
        case .mac(let mac, let bridge): "the MAC address \(mac) is that of \(others) too, on the same bridge \(bridge)"
        }
    }

    private static func identifiers(of instance: Instance) -> [Shared] {
        let cards = Set(
            instance.interfaces.compactMap { interface in interface.bridge.map { Shared.mac(interface.mac, bridge: $0) } })
        return [.instanceID(instance.id), .systemUUID(instance.uuid)] + cards.sorted { "\($0)" < "\($1)" }
    }
}
