extension EmulatedValues {
    /// Whether a path has a value that differs from the source, or none.
    package func hasValue(at path: EmulatedPath) -> Bool { current.contains { $0.path == path } }

    /// Whether a path, or one below it, has a value that differs from the source.
    package func hasValue(below path: EmulatedPath) -> Bool {
        current.contains { $0.path.tree == path.tree && $0.path.names.starts(with: path.names) }
    }

    /// Sets what a step says.
    ///
    /// - Parameter wall: when the step came, in seconds since 1970.
    func set(_ path: EmulatedPath, _ value: ScenarioValue, at wall: Double) throws(EmulatorError) {
        if path.member != nil, case .document(let document) = value {
            try set(path, to: document.value(at: wall))
        } else {
            try set(path, to: value.bytes(at: wall))
        }
    }
}
