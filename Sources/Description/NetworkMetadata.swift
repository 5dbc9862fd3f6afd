import Common
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

    /// What is wrong with it, in a file that libvirt may not have seen.
    static func findings(in network: XMLElement) -> [Finding] {
        let metadata = network.first("metadata")
        let unused = (metadata?.first(Vocabulary.root, namespace: Vocabulary.namespace)?.children ?? []).filter {
            $0.namespace == Vocabulary.namespace && $0.name != "profile"
        }
        let bare = metadata?.all(Vocabulary.root) ?? []
        return DomainReview.misplaced(in: network)
            + OperatorMetadata(in: network, readsBare: false).findings.filter {
                ["profile", Vocabulary.root].contains($0.element)
            }
            + unused.prefix(1).map {
                Finding(.unusable, line: $0.line, element: shown($0.name), "only <profile> applies to a network")
            }
            + bare.prefix(1).map {
                Finding(
                    .unusable, line: $0.line, element: $0.name, "has no namespace, so libvirt drops it: \(DomainReview.advice)")
            }
    }
}
