import Common
package import Guests
package import Interception
package import Inventory

/// The gauges that are computed at each scrape: open connections, known instances, the connections to libvirt.
package struct ServerGauges {
    package let listener: GuestListener
    package let hypervisors: @Sendable () -> [HypervisorStatus]
    /// The bridges; `nil` where none is served.
    package let bridges: BridgeStatusBoard?
    package let started: ContinuousClock.Instant

    package init(
        listener: GuestListener, hypervisors: @escaping @Sendable () -> [HypervisorStatus], bridges: BridgeStatusBoard?,
        started: ContinuousClock.Instant
    ) {
        (self.listener, self.hypervisors, self.bridges, self.started) = (listener, hypervisors, bridges, started)
    }

    package func add(to registry: PrometheusRegistry) {
        let (listener, hypervisors, started) = (listener, hypervisors, started)
        if let bridges {
            registry.sample("virt_metadata_bridge_served", "1 if guests on this bridge are served, 0 if they cannot connect yet.")
            {
                Self.samples(bridges.bridges)
            }
        }
        registry.sample("virt_metadata_build_info", "Version of the running server as a label; always 1.") {
            [.init(labels: [("version", Version.current)], value: 1)]
        }
        registry.sample("virt_metadata_connections", "Open connections of guests.") {
            [.init(value: Double(listener.present.connections))]
        }
        registry.sample("virt_metadata_held_requests", "Requests that wait until their domain is known.") {
            [.init(value: Double(listener.present.held))]
        }
        registry.sample("virt_metadata_instances", "Number of known running domains.") {
            [.init(value: Double(listener.responder.board.snapshot.count))]
        }
        registry.sample(
            "virt_metadata_hypervisor_connected", "1 if connected to libvirt, else 0; host is its position in --connect, from 0."
        ) {
            hypervisors().map { .init(labels: Self.labels($0), value: $0.isConnected ? 1 : 0) }
        }
        registry.sample(
            "virt_metadata_inventory_age_seconds",
            "Seconds since the last full resync of a host's domains, or since the start if there was none."
        ) {
            hypervisors().map { status in
                .init(labels: Self.labels(status), value: (ContinuousClock.now - (status.synchronised ?? started)) / .seconds(1))
            }
        }
    }

    private static func samples(_ bridges: [BridgeStatus]) -> [PrometheusRegistry.Sample] {
        bridges.map { .init(labels: [("bridge", $0.name)], value: $0.since == nil ? 0 : 1) }
    }

    /// The number of the host in the order of `--connect`, from 0: as few labels as there are hosts, and no address.
    private static func labels(_ status: HypervisorStatus) -> [(String, String)] { [("host", "\(status.host.index)")] }
}
