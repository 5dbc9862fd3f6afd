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

    /// Values of the command line that are never served, because a step at the start replaces them.
    package static func replacements(by scenarios: [Scenario], on instances: [EmulatedInstance]) -> [String] {
        var told: Set<EmulatedPath> = []
        return scenarios.flatMap { scenario in
            scenario.steps.prefix { $0.moment == .at(.zero) || $0.moment == .afterTime(.zero) }.flatMap { step in
                step.replaced(on: instances).filter { told.insert($0).inserted }.map { path in
                    "step in line \(step.line) replaces \(path), which the command line sets, at the start: the value is never served"
                }
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

    /// The values that instances have from the command line and not after the step.
    fileprivate func replaced(on instances: [EmulatedInstance]) -> [EmulatedPath] {
        let settings = instances.filter { instance == nil || instance == $0.name }.flatMap(\.values.current)
        return settings.filter { setting in
            if case .absent = setting.value { return false }
            return changes.contains { change in
                switch change {
                case .set(let path, _): path.covers(setting.path) && path.names == setting.path.names
                case .absent(let path), .restore(let path): path.covers(setting.path)
                case .credentials(let credentials): credentials.directory.covers(setting.path)
                case .tokens: false
                }
            }
        }.map(\.path)
    }

    /// The paths at which the step sets a value.
    var setPaths: [EmulatedPath] {
        changes.compactMap { change in
            switch change {
            case .set(let path, _): path
            case .credentials(let credentials): credentials.path
            case .absent, .restore, .tokens: nil
            }
        }
    }

    fileprivate func notice(of path: EmulatedPath) -> String {
        let name = path.names.dropFirst().joined(separator: "/")
        return "step in line \(line) sets \(name), which already has a value at the start: agents see it before this step; add a "
            + "first step: - {at: 0s, absent: \(name)}"
    }
}

extension EmulatedPath {
    /// Whether a change of this path is one of another too.
    fileprivate func covers(_ other: EmulatedPath) -> Bool {
        tree == other.tree && (version == nil || version == other.version) && other.names.starts(with: names)
            && (member == nil || member == other.member)
    }
}
