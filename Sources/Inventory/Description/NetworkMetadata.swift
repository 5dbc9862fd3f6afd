import XML

/// What a libvirt network's own `<metadata>` tells its guests: the profiles that apply to them.
struct NetworkMetadata: Sendable, Equatable {
    let profiles: [OperatorMetadata.ProfileName]
    /// The names of other elements there, which only a domain can have.
    let unusedElements: [String]

    init(in network: XMLElement) {
        profiles = OperatorMetadata(in: network, readsBare: false).profiles
        let instance = network.first("metadata")?.first(Vocabulary.root, namespace: Vocabulary.namespace)
        unusedElements = (instance?.children ?? []).map(\.name).filter { $0 != "profile" }
    }
}
