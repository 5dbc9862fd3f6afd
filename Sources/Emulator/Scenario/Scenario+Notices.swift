extension Scenario {
    /// Entries that Amazon has only after an interruption or a rebalance recommendation is announced.
    private static let announcements: Set = [
        "meta-data/spot/instance-action", "meta-data/spot/termination-time", "meta-data/events/recommendations/rebalance",
    ]

    /// What a scenario's author may not know: an announcement that an instance has before the step that sets it, so that agents act at
    /// once. The example instance has a value at every path.
    package static func notices(of scenarios: [Scenario], on instances: [EmulatedInstance]) -> [String] {
        var told: Set<EmulatedPath> = []
        return scenarios.indices.flatMap { index -> [String] in
            // Of several scenarios, any may remove the value in time.
            var absent = scenarios.enumerated().filter { $0.offset != index }.flatMap { $0.element.steps.flatMap(\.absent) }
            return scenarios[index].steps.flatMap { step -> [String] in
                absent += step.absent
                return step.announced(on: instances).filter { path in
                    !absent.contains { path.names.starts(with: $0.names) } && told.insert(path).inserted
                }.map { step.notice(of: $0) }
            }
        }
    }

    fileprivate static func isAnnouncement(_ path: EmulatedPath) -> Bool {
        path.tree == .ec2 && path.member == nil && announcements.contains(path.names.joined(separator: "/"))
    }
}

extension ScenarioStep {
    /// Paths of the EC2 tree that the step removes.
    fileprivate var absent: [EmulatedPath] {
        changes.compactMap { if case .absent(let path) = $0, path.tree == .ec2 { path } else { nil } }
    }

    /// The announcements that the step sets after the start, of those that an instance has before.
    fileprivate func announced(on instances: [EmulatedInstance]) -> [EmulatedPath] {
        guard moment != .at(.zero), moment != .afterTime(.zero) else { return [] }
        let own = instances.filter { instance == nil || instance == $0.name }
        return changes.compactMap { change in
            guard case .set(let path, _) = change, Scenario.isAnnouncement(path), own.contains(where: { $0.hasEntry(at: path) })
            else { return nil }
            return path
        }
    }

    fileprivate func notice(of path: EmulatedPath) -> String {
        let name = path.names.dropFirst().joined(separator: "/")
        return "step of line \(line) sets \(name), which has a value from the start: agents find it before the step; add a first "
            + "step: - {at: 0s, absent: \(name)}"
    }
}
