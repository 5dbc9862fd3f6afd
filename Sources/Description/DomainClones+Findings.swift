package import Common

extension DomainClones {
    /// Notes on what a domain shares with others.
    package func findings(on instance: Instance) -> [Finding] {
        clones(of: instance).map { clone in
            let element =
                switch clone.shared {
                case .instanceID: "instance-id"
                case .systemUUID: "uuid"
                case .mac: "devices/interface/mac"
                }
            return Finding(.note, line: 1, element: element, clone.problem)
        }
    }
}
