import Common
import Inventory

/// What keeps a domain enabled after `disable`: values and an identity that `enable` did not write, or that were changed since.
struct StillEnabled {
    /// The values of the definition and of the running domain; `nil` where neither has an element.
    private let paths: [ElementPath]?
    /// Whether `unset` of the paths removes the element: it may have what no path names.
    private let canBeUnset: Bool
    private let identity: SMBIOSIdentity?

    /// - Parameters:
    ///   - definition: as `disable` leaves it.
    ///   - running: the running domain's element, as `disable` leaves it; `nil` for none.
    init(_ definition: DomainDefinition, running: String? = nil) {
        let elements = [definition.element, running].compactMap(\.self).map { InstanceElement($0) }
        var paths: [ElementPath] = []
        for path in elements.flatMap(\.paths) where !paths.contains(path) { paths.append(path) }
        self.paths = elements.isEmpty ? nil : paths
        canBeUnset = !paths.isEmpty && elements.allSatisfy { (try? $0.isRemoved(byUnsetting: paths)) ?? false }
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
            let names = paths.map(\.description).joined(separator: ", ")
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
