import HashTreeCollections

/// The interfaces by MAC address; several interfaces share one if a domain was cloned or migrates.
struct HardwareAddressIndex: Sendable {
    private var owners: TreeDictionary<MACAddress, [Snapshot.Owner]> = [:]

    subscript(mac: MACAddress) -> [Snapshot.Owner] { owners[mac] ?? [] }

    mutating func insert(_ owner: Snapshot.Owner) {
        owners[owner.mac, default: []].append(owner)
    }

    /// Removes all interfaces of an instance's domain.
    mutating func remove(_ instance: Instance) {
        for mac in Set(instance.interfaces.map(\.mac)) {
            let remaining = owners[mac, default: []].filter { $0.instance.domain != instance.domain }
            owners[mac] = remaining.isEmpty ? nil : remaining
        }
    }
}
