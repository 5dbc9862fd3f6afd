import YAML

/// The limits of the links of a network configuration: those that the elements of links have.
///
/// Links and addresses are compared with each other, and every document about the network has them all. A configuration beyond the limits
/// is refused before that: it is served byte for byte, so that nothing of it can be left out.
enum NetworkConfigLimits {
    /// Whether the links are within the limits; errors say which limit is exceeded.
    static func hold(for links: [NetworkConfigLink], _ remarks: inout NetworkConfigRemarks) -> Bool {
        let linksHold = checkSections(of: links, &remarks)
        let listsHold = checkLists(of: links, &remarks)
        return linksHold && listsHold
    }

    private static func checkSections(of links: [NetworkConfigLink], _ remarks: inout NetworkConfigRemarks) -> Bool {
        var counts: [String: Int] = [:]
        for link in links {
            counts[link.section, default: 0] += 1
            guard counts[link.section] == Vocabulary.mostLinks + 1 else { continue }
            remarks.error(link.key, link.path, "more than \(Vocabulary.mostLinks) links of one kind")
        }
        return counts.values.allSatisfy { $0 <= Vocabulary.mostLinks }
    }

    private static func checkLists(of links: [NetworkConfigLink], _ remarks: inout NetworkConfigRemarks) -> Bool {
        var (total, isHeld) = (0, true)
        for link in links {
            for (key, items) in lists(of: link) {
                if items.count > Vocabulary.mostOfLink {
                    isHeld = false
                    let problem = "more than \(Vocabulary.mostOfLink) items"
                    remarks.error(items[Vocabulary.mostOfLink], "\(link.path)/\(key)", problem)
                }
                let before = total
                total += items.count
                guard total > Vocabulary.mostOfLinks, before <= Vocabulary.mostOfLinks else { continue }
                isHeld = false
                let problem = "more than \(Vocabulary.mostOfLinks) items of all links"
                remarks.error(items[Vocabulary.mostOfLinks - before], "\(link.path)/\(key)", problem)
            }
        }
        return isHeld
    }

    private static func lists(of link: NetworkConfigLink) -> [(key: String, items: [YAMLNode])] {
        let nameservers = ["addresses", "search"].map { key in
            ("nameservers/\(key)", link.value("nameservers", key)?.elements ?? [])
        }
        return ["addresses", "routes", "interfaces"].map { ($0, link.list($0)) } + nameservers
    }
}
