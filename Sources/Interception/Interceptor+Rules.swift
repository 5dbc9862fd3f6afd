import Common
import NFTables

/// Writes the rules to the kernel, and checks that they stay there.
extension Interceptor {
    /// Writes the rules that follow from the current state, unless the kernel has them already.
    func applyRules(_ network: HostNetwork, _ snapshot: Snapshot) {
        guard let tables = host.tables else { return }
        guard !served.isEmpty || !file.state.bridges.isEmpty else { return removeTables(tables) }
        let inputs = RuleInputs(
            settings.mode, served, recorded: file.state.bridges, network, snapshot, isEnding: isEnding)
        for bridge in inputs.bridges { served[bridge.name]?.isolatesUplinks = bridge.isolatesUplinks }
        if let applied, applied.inputs == inputs { return }
        let rules = RuleSet(on: inputs, settings)
        guard let script = applied.map({ rules.changes(from: $0.rules) }) ?? rules.script else {
            // The new inputs lead to the same rules.
            applied?.inputs = inputs
            return
        }
        if applied == nil {
            guard claimTables(tables) else { return }
        }
        do throws(NFTablesError) {
            try tables.run(script)
            applied = (rules, inputs)
            report.succeeded("set rules", on: "nftables")
        } catch {
            // An operator may have changed part of the tables: next time all are recreated.
            applied = nil
            let need = error.code == .notPermitted ? "; run as root or with CAP_NET_ADMIN" : ""
            report.failed("set rules", on: "nftables", "\(error)\(need); Linux 5.16 or newer is required")
        }
    }

    /// Removes the tables: no bridge is served or closed, and then the host has none.
    private func removeTables(_ tables: any RuleTables) {
        guard !file.state.tables.isEmpty else { return }
        do throws(NFTablesError) {
            try tables.run(file.state.tables.sorted().map(RuleTable.removal).joined())
            applied = nil
            change { $0.tables = [] }
            report.succeeded("remove rules", on: "nftables")
        } catch {
            report.failed("remove rules", on: "nftables", "\(error)")
        }
    }

    /// Records the tables, unless a foreign table has the name, and removes those that only an earlier version created.
    private func claimTables(_ tables: any RuleTables) -> Bool {
        do throws(NFTablesError) {
            for family in RuleSet.families where !file.state.tables.contains(family) {
                guard try tables.exists(table: RuleTable.name, family: family) else {
                    report.ownTable(family)
                    continue
                }
                // If the record was lost, the table's comment identifies it.
                let comment = try tables.comment(ofTable: RuleTable.name, family: family)
                if file.damage == nil || comment != RuleTable.comment {
                    report.foreignTable(family)
                    return false
                }
            }
            for family in file.state.tables.subtracting(RuleSet.families) { try tables.run(RuleTable.removal(of: family)) }
        } catch {
            report.failed("set rules", on: "nftables", "\(error)")
            return false
        }
        return change { $0.tables = Set(RuleSet.families) }
    }

    /// Checks that the tables exist, since their removal causes no notification.
    func hasTables() -> Bool {
        guard let tables = host.tables, applied != nil else { return true }
        do throws(NFTablesError) {
            for family in RuleSet.families where try !tables.exists(table: RuleTable.name, family: family) {
                applied = nil
                report.tablesGone()
                return false
            }
        } catch {
            report.failed("inspect", on: "nftables", "\(error)")
        }
        return true
    }

    /// Reads the counters of dropped frames.
    func readCounters() {
        guard let tables = host.tables, applied != nil else { return }
        do throws(NFTablesError) {
            for counter in RuleSet.Counter.allCases {
                let count = try tables.packets(ofCounter: counter.rawValue, table: RuleTable.name, family: "netdev") ?? 0
                if count > 0 { report.dropped(counter, count) }
            }
        } catch {
            report.failed("inspect", on: "nftables", "\(error)")
        }
    }
}
