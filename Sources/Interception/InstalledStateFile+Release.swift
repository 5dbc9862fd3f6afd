import Common
import NFTables
import Netlink

extension InstalledStateFile {
    /// Removes everything that is recorded from the kernel, and then from the record. What is already gone counts as removed; what cannot be
    /// removed stays recorded.
    ///
    /// - Parameter tables: `nil` where nftables cannot be used.
    /// - Returns: What could not be removed, each in a sentence.
    package mutating func release(_ tables: (any RuleTables)?) -> [String] {
        var problems: [String] = []
        var left = InstalledState()
        for recorded in state.addresses {
            let address = LinkAddress(
                recorded.address, prefixLength: MetadataAddress.prefixLength(of: recorded.address),
                interface: recorded.bridge.index)
            do throws(KernelError) {
                try Addresses.remove(address)
            } catch {
                guard error.code != .addressNotAvailable, error.code != .noSuchDevice else { continue }
                left.addresses.insert(recorded)
                problems.append("\(recorded.address) on \(recorded.bridge.name): \(error.naming("CAP_NET_ADMIN"))")
            }
        }
        for bridge in state.learning {
            do throws(KernelError) {
                try BridgeOptions.setLearnsFromLinkLocal(true, ofBridge: bridge.index)
            } catch {
                guard error.code != .noSuchDevice else { continue }
                left.learning.insert(bridge)
                problems.append("no_linklocal_learn of \(bridge.name): \(error.naming("CAP_NET_ADMIN"))")
            }
        }
        for family in state.tables.sorted() {
            do throws(NFTablesError) {
                guard let tables else { throw NFTablesError(message: "nftables cannot be used") }
                try tables.run(RuleTable.removal(of: family))
            } catch {
                left.tables.insert(family)
                problems.append("table \(family) \(RuleTable.name): \(error)")
            }
        }
        do throws(InstalledStateFile.Failure) {
            try change { $0 = left }
        } catch {
            problems.append("\(error)")
        }
        return problems
    }
}
