import Common
package import Guests
package import Inventory

/// The gauges that are computed at each scrape: open connections, known instances, the connections to libvirt.
package struct ServerGauges {
    package let listener: GuestListener
    package let hypervisors: @Sendable () -> [HypervisorStatus]
    package let started: ContinuousClock.Instant

    package init(
        listener: GuestListener, hypervisors: @escaping @Sendable () -> [HypervisorStatus], started: ContinuousClock.Instant
    ) {
        (self.listener, self.hypervisors, self.started) = (listener, hypervisors, started)
    }

    package func add(to registry: PrometheusRegistry) {
        let (listener, hypervisors, started) = (listener, hypervisors, started)
        registry.sample("virt_metadata_build_info", "The version that runs, as a label; always 1.") {
            [.init(labels: [("version", Version.current)], value: 1)]
        }
        registry.sample("virt_metadata_connections", "Connections of guests that are open.") {
            [.init(value: Double(listener.present.connections))]
        }
        registry.sample("virt_metadata_held_requests", "Requests that wait for their domain to be known.") {
            [.init(value: Double(listener.present.held))]
        }
        registry.sample("virt_metadata_instances", "Running domains that are known.") {
            [.init(value: Double(listener.responder.board.snapshot.count))]
        }
        registry.sample(
            "virt_metadata_hypervisor_connected", "Whether there is a connection to libvirt, by the number of the host."
        ) {
            hypervisors().map { .init(labels: Self.labels($0), value: $0.isConnected ? 1 : 0) }
        }
        registry.sample(
            "virt_metadata_inventory_age_seconds",
            "Since all domains of a host were last read; since the start before the first time."
        ) {
            hypervisors().map { status in
                .init(labels: Self.labels(status), value: (ContinuousClock.now - (status.synchronised ?? started)) / .seconds(1))
            }
        }
    }

    /// The number of the host in the order of `--connect`, from 0: as few labels as there are hosts, and no address.
    private static func labels(_ status: HypervisorStatus) -> [(String, String)] { [("host", "\(status.host.index)")] }
}
