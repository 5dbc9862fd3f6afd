import Common
import Description

/// What keeps a domain enabled after `disable`: values and an identity that `enable` did not write, or that were changed since.
struct StillEnabled {
    /// The values of the definition and of the running domain; `nil` where neither has an element.
    private let paths: [ElementPath]?
    /// Whether `unset` of the paths removes the element: it may have what no path names.
    private let canBeUnset: Bool
    private let identity: SMBIOSIdentity?
    /// For more paths than this, the command would be longer than anybody reads.
    private static let mostPaths = 100

    /// - Parameters:
    ///   - definition: as `disable` leaves it.
    ///   - running: the running domain's element, as `disable` leaves it; `nil` for none.
    init(_ definition: DomainDefinition, running: String? = nil) {
        let elements = [definition.element, running].compactMap(\.self).map { InstanceElement($0) }
        var seen: Set<String> = []
        let paths = elements.flatMap(\.paths).filter { seen.insert($0.description).inserted }
        self.paths = elements.isEmpty ? nil : paths
        canBeUnset =
            !paths.isEmpty && paths.count <= Self.mostPaths
            && elements.allSatisfy { (try? $0.isRemoved(byUnsetting: paths)) ?? false }
        identity = definition.presentIdentity
    }

    /// A sentence for each reason.
    ///
    /// - Parameters:
    ///   - unset: the command that removes values, without their paths.
    ///   - edit: how to remove what no path names.
    ///   - editXML: how to remove SMBIOS entries.
    func sentences(isDryRun: Bool, unset: String, edit: String, editXML: String) -> [String] {
        let still = isDryRun ? "would still be enabled" : "still enabled"
        var sentences: [String] = []
        if let paths {
            let more = paths.count > Self.mostPaths ? " and \(paths.count - Self.mostPaths) more" : ""
            let names = paths.prefix(Self.mostPaths).map(\.description).joined(separator: ", ") + more
            let words = paths.map(\.description.shellWord).joined(separator: " ")
            sentences.append(
                "\(still): the <instance> element has \(names.isEmpty ? "no known values" : names); remove it with: "
                    + (canBeUnset ? "\(unset) \(words)" : edit))
        }
        if let identity {
            sentences.append(
                "\(still): SMBIOS identity \(identity.rawValue), not written by `enable`; remove its entries with: \(editXML)")
        }
        return sentences
    }
}
