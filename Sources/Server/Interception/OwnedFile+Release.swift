import Common
import Kernel

extension OwnedFile {
    /// Takes everything that is ours out of the kernel, and crosses it out. What is gone already is as good as taken away; what
    /// cannot be taken away stays written down.
    ///
    /// - Parameter tables: `nil` where nftables cannot be used.
    /// - Returns: What could not be taken away, each in a sentence.
    mutating func release(_ tables: NFTables?) -> [String] {
        var problems: [String] = []
        var left = OwnedThings()
        for thing in things.addresses {
            let address = LinkAddress(
                thing.address, prefixLength: MetadataAddress.prefixLength(of: thing.address), interface: thing.bridge.index)
            do throws(KernelError) {
                try Addresses.remove(address)
            } catch {
                guard error.code != .addressNotAvailable, error.code != .noSuchDevice else { continue }
                left.addresses.insert(thing)
                problems.append("\(thing.address) on \(thing.bridge.name): \(error.naming("CAP_NET_ADMIN"))")
            }
        }
        for bridge in things.learning {
            do throws(KernelError) {
                try BridgeOptions.setLearnsFromLinkLocal(true, ofBridge: bridge.index)
            } catch {
                guard error.code != .noSuchDevice else { continue }
                left.learning.insert(bridge)
                problems.append("no_linklocal_learn of \(bridge.name): \(error.naming("CAP_NET_ADMIN"))")
            }
        }
        for family in things.tables.sorted() {
            do throws(NFTablesError) {
                guard let tables else { throw NFTablesError(message: "nftables cannot be used") }
                try tables.run(RuleSet.removal(of: family))
            } catch {
                left.tables.insert(family)
                problems.append("table \(family) \(RuleSet.table): \(error)")
            }
        }
        do throws(OwnedFile.Failure) {
            try change { $0 = left }
        } catch {
            problems.append("\(error)")
        }
        return problems
    }
}
