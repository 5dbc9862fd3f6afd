import Common

/// What a server that has no metadata answers instead.
package enum NoMetadata {
    /// One path of each tree.
    package static let targets = ["/latest/meta-data/", "/openstack", "/nocloud/meta-data"]

    /// - Parameter answers: to ``targets``; `nil` for no response.
    package static func sentence(_ answers: [(target: String, response: WireResponse?)]) -> String {
        var groups: [(targets: [String], answer: String)] = []
        for (target, response) in answers {
            let answer = description(of: response)
            if let index = groups.firstIndex(where: { $0.answer == answer }) {
                groups[index].targets.append(target)
            } else {
                groups.append(([target], answer))
            }
        }
        return "no metadata: " + groups.map { "\($0.targets.joined(separator: ", ")): \($0.answer)" }.joined(separator: "; ")
    }

    private static func description(of response: WireResponse?) -> String {
        guard let response else { return "no response" }
        if (300...399).contains(response.status) {
            let location = response.field("location") ?? "nowhere"
            let shown = location.utf8.count > 200 ? String(location.prefix(150)) + "…" : location
            return "\(response.status) to \(shown.cleaned()), which is not followed"
        }
        guard response.status == 200 else { return "status \(response.status)" }
        if response.body.first(where: { $0 > 0x20 }) == UInt8(ascii: "<") {
            return "a page of HTML with status 200, as from a captive portal"
        }
        return "status 200, but no metadata"
    }
}
