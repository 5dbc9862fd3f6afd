import Common
import Configuration
import FoundationEssentials
import Interception
import Netlink

extension Doctor {
    // MARK: Firewall

    /// Whether the host's own rules drop guests' requests.
    func checkFirewall(_ interfaces: [BridgedInterface], _ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "firewall")
        // On other links, requests reach port 80 of the metadata address and are not redirected.
        let bridges = Set(interfaces.map(\.bridge).filter(\.isBridge).map(\.name)).sorted()
        guard !bridges.isEmpty else { return CheckResult(name: "firewall", skipped: "no interface is on a Linux bridge") }
        do throws(ExaminedHost.Unknown) {
            for bridge in bridges {
                if try examined.host.hasRulesLeft(on: bridge), configuration.adminSocketPath != nil {
                    result.diagnoses.append(
                        .error(
                            "the server is not running, and its nftables rules still drop requests to \(MetadataAddress.v4) from \(bridge)",
                            "sudo systemctl start virt-metadata; or remove the rules: sudo virt-metadata cleanup"))
                }
                for block in try examined.host.blocks(on: bridge) {
                    result.diagnoses.append(Self.diagnosis(of: block, bridge, configuration.interception.listenerPorts))
                }
            }
        } catch {
            return CheckResult(name: "firewall", skipped: error.reason)
        }
        result.detail = "no rule drops requests to \(MetadataAddress.v4) on \(bridges.joined(separator: ", "))"
        return result
    }

    private static func diagnosis(
        of block: FirewallTrace.Block, _ bridge: String, _ ports: ClosedRange<UInt16>
    ) -> Diagnosis {
        let (first, last) = (ports.lowerBound, ports.upperBound)
        // Requests reach the host on the port of a listening socket, and not on port 80.
        let packets = "requests to \(MetadataAddress.v4) from \(bridge) (sent to TCP ports \(first)-\(last))"
        let chain = "chain \(block.chain) of table \(block.family) \(block.table)"
        let remedy =
            block.table == "firewalld"
            ? "sudo firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=\(bridge.shellWord)) --add-port=\(first)-\(last)/tcp && sudo firewall-cmd --reload"
            : "sudo nft insert rule \(block.family) \(block.table) \(block.chain) iifname \(bridge.shellWord) tcp dport \(first)-\(last) accept"
        return block.isCertain
            ? .error("\(chain) drops \(packets)", remedy) : .warning("\(chain) may drop \(packets)", remedy)
    }

    // MARK: Ports

    /// Whether the guest's frames come from the port that it is attached to.
    func checkPorts(_ interfaces: [BridgedInterface], _ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "port")
        let database: ForwardingDatabase
        do throws(KernelError) {
            database = try examined.host.forwarding.get()
        } catch {
            return CheckResult(name: "port", skipped: "cannot query the forwarding databases: \(error)")
        }
        for found in interfaces {
            let (interface, bridge) = (found.interface, found.bridge)
            guard bridge.isBridge else {
                result.diagnoses += Self.checkNeighbours(found, examined)
                continue
            }
            let link = (try? database.port(of: interface.mac, onBridge: bridge.index)) ?? nil
            let port = link.flatMap { try? Links.name(ofInterface: $0) }
            if let port, let tap = interface.tap, port != tap {
                let problem = "another port uses MAC address \(interface.mac): bridge \(bridge.name) learned it at \(port)"
                result.diagnoses.append(.error("\(problem), and the domain is at \(tap)", guardRemedy(port)))
            } else if port == nil, !bridge.filtersVLANs {
                let problem = "bridge \(bridge.name) has seen no recent frame from \(interface.mac): the guest is down or silent"
                result.diagnoses.append(.note(problem))
            }
            result.diagnoses += Self.checkNeighbours(found, examined)
            result.diagnoses += Self.checkFilter(bridge)
        }
        if !examined.host.isOverview, interfaces.contains(where: \.bridge.isBridge) {
            result.diagnoses += Self.spoofedFrames(examined.host)
        }
        result.detail = interfaces.map { "\($0.interface.mac)" }.joined(separator: ", ")
        return result
    }

    /// What the guard has dropped on this host's bridges.
    static func spoofedFrames(_ host: ExaminedHost) -> [Diagnosis] {
        guard host.spoofedFrames > 0 else { return [] }
        return [.note("\(host.spoofedFrames) frames with another guest's MAC address were dropped on this host's bridges")]
    }

    private func guardRemedy(_ port: String) -> String {
        let find = "find the other domain: sudo grep -l \(port.shellWord) /run/libvirt/qemu/*.xml"
        return configuration.interception.guardsPorts ? find : "\(find); and enable --guard, which drops such frames"
    }

    /// Whether the host would send packets for the guest's addresses to the guest.
    private static func checkNeighbours(_ found: BridgedInterface, _ examined: ExaminedDomain) -> [Diagnosis] {
        guard let neighbours = examined.host.neighbours else { return [] }
        let (interface, bridge) = (found.interface, found.bridge)
        let leased = examined.host.leases[interface.mac] ?? []
        return Set(interface.knownAddresses + leased).sorted { "\($0)" < "\($1)" }.compactMap { address in
            guard let mac = (try? neighbours.mac(of: address, onInterface: bridge.index)) ?? nil, mac != interface.mac else {
                return nil
            }
            return .error(
                "address \(address) of \(interface.mac) is at \(mac) in the host's neighbour table: another guest uses this address and "
                    + "gets the replies",
                "sudo ip neighbour del \(address) dev \(bridge.name.shellWord); find the other guest: sudo virt-metadata list")
        }
    }

    /// Strict reverse path filtering drops packets of a guest to which no route leads back through that bridge.
    private static func checkFilter(_ bridge: Link) -> [Diagnosis] {
        func value(_ name: String) -> Int {
            let data = FileManager.default.contents(atPath: "/proc/sys/net/ipv4/conf/\(name)/rp_filter")
            return data.flatMap { Int(String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) } ?? 0
        }
        guard max(value("all"), value(bridge.name)) == 1, let addresses = try? Addresses.all(ofInterface: bridge.index) else {
            return []
        }
        let hasSubnet = addresses.contains { $0.address.family == .v4 && $0.prefixLength < 32 }
        guard !hasSubnet else { return [] }
        return [
            .warning(
                "rp_filter is strict and no route leads to bridge \(bridge.name): the kernel drops packets from its guests",
                "sudo sysctl -w \("net/ipv4/conf/\(bridge.name)/rp_filter=0".shellWord) net/ipv4/conf/all/rp_filter=2")
        ]
    }
}
