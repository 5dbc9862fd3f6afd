import Common
import Description
import Foundation
import JSON
import Libvirt

@testable import Configuration
@testable import Doctor
@testable import Netlink

/// How often an examination has asked for facts.
final class Readings: Sendable {
    private let counts = Locked<[String: Int]>([:])

    func note(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    subscript(name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
}

enum Examples {
    static let uuid = "83679162-1378-4288-a2d4-70e13ec132aa"

    static func link(_ name: String, _ kind: String? = "bridge", filtersVLANs: Bool = false, master: Int32? = nil) -> Link {
        var link = Link(name: name, index: 7, kind: kind, master: master, mac: MACAddress("02:00:00:00:00:fe"), isUp: true)
        link.filtersVLANs = filtersVLANs
        return link
    }

    static func doctor(_ sources: HostSources = HostSources(), uri: String = "test:///default") -> Doctor {
        var configuration = Configuration()
        (configuration.connect, configuration.adminSocket) = ([uri], Configuration.noAdminSocket)
        return Doctor(configuration: configuration, sources: sources)
    }

    /// Sources with these links and no rules, which count what is asked for.
    static func sources(_ links: [Link], _ readings: Readings = Readings()) -> HostSources {
        var sources = HostSources()
        let connect = sources.connect
        sources.connect = { (uri) async throws(LibvirtError) in
            readings.note("connections")
            return try await connect(uri)
        }
        sources.ruleset = {
            readings.note("rules")
            return .object([JSONMember("nftables", .array([]))])
        }
        sources.link = { name throws(KernelError) in
            // libvirt's test driver names the taps of its domains.
            if name.hasPrefix("testnet") { return link(name, "tun", master: 7) }
            readings.note("links")
            return links.first { $0.name == name }
        }
        return sources
    }

    /// A running domain, with its definition where there is one.
    static func examined(
        _ running: String, element: String? = nil, defined: String? = nil, by doctor: Doctor = doctor()
    ) async throws -> ExaminedDomain {
        let host = try await ExaminedHost(
            try await doctor.sources.connect("test:///default"), at: "test:///default", doctor.configuration, doctor.sources)
        await host.hypervisor.disconnect()
        let assembled = try host.assembly.assemble(Array(running.utf8))
        let part = EditableDomain.Part(xml: running, element: element)
        let domain = EditableDomain(
            uuid: assembled.instance.domain, name: assembled.instance.domainName, running: part,
            defined: defined.map { .init(xml: $0, element: nil) })
        return ExaminedDomain(host: host, domain: domain, running: part, assembled: assembled, isEnabledByDefinition: false)
    }

    /// A domain with these elements; those of `<os>` and `<devices>` apart.
    static func xml(
        _ elements: String = "", os: String = "", arch: String = "x86_64", devices: String = "", name: String = "web",
        uuid: String = uuid
    ) -> String {
        """
        <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>\(name)</name><uuid>\(uuid)</uuid>\
        <memory unit='MiB'>64</memory><os><type arch='\(arch)'>hvm</type>\(os)</os>\(elements)<devices>\(devices)</devices></domain>
        """
    }

    static func tables(_ entries: (String, String)...) -> String {
        let entries = entries.map { "<entry name='\($0)'>\($1)</entry>" }.joined()
        return "<sysinfo type='smbios'><system>\(entries)</system></sysinfo>"
    }

    static let shown = "<smbios mode='sysinfo'/>"
}

extension CheckResult {
    var firstProblem: String { diagnoses.first?.problem ?? "" }
    var firstRemedy: String { diagnoses.first?.remedy ?? "" }
}
