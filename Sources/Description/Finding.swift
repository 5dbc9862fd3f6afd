/// A value in a domain's XML that is unusable, or that needs a note for the operator.
package struct Finding: Sendable, Equatable {
    /// Whether the value is served.
    package enum Weight: Sendable {
        /// The value is not served.
        case unusable
        /// The value is served as written.
        case note
    }

    /// Whether the value is served.
    package let weight: Weight
    /// The line of the XML, or of the file; from 1.
    package let line: Int
    /// The element, as a path below `<metadata>` or `<domain>`.
    package let element: String
    /// What is wrong, and what to do.
    package let problem: String
    /// The configuration file, for a value that is told to many; `nil` for the domain's XML.
    package let file: String?
    /// Whether the value is served in vain, because cloud-init does not use it at all.
    package let isWarning: Bool

    /// - Parameter isWarning: only for a note.
    init(_ weight: Weight, line: Int, element: String, _ problem: String, file: String? = nil, isWarning: Bool = false) {
        (self.weight, self.line, self.element, self.problem, self.file) = (weight, line, element, problem, file)
        self.isWarning = isWarning
    }

    /// How a text names its weight; nothing for an error.
    package var label: String? { weight == .note ? (isWarning ? "warning" : "note") : nil }
}

extension [Finding] {
    /// The most findings of one domain, of each weight: more than anybody reads, and a document may have tens of thousands.
    private static let most = 1000

    /// The first findings of each weight, with one that says how many are left out; notes must not hide an error.
    func bounded() -> [Finding] {
        guard count > Self.most else { return self }
        let errors = count { $0.weight == .unusable }
        var rooms: [Finding.Weight: Int] = [:]
        for (weight, number) in [(Finding.Weight.unusable, errors), (.note, count - errors)] {
            rooms[weight] = number > Self.most ? Self.most - 1 : number
        }
        let kept = filter { finding in
            rooms[finding.weight, default: 0] -= 1
            return rooms[finding.weight, default: 0] >= 0
        }
        guard kept.count < count, let last = kept.last else { return self }
        let weight: Finding.Weight = errors > Self.most ? .unusable : .note
        let problem = "\(count - kept.count) more findings are not listed"
        return kept + [Finding(weight, line: last.line, element: last.element, problem, file: last.file)]
    }

    /// In the order of their lines; those of files after those of the domain.
    func ordered() -> [Finding] { sorted { ($0.file ?? "", $0.line) < ($1.file ?? "", $1.line) } }
}

extension Finding: CustomStringConvertible {
    /// `line 12: tags/tag: …`, or `config.yaml:12: profiles: web: tags/tag: …`, for logs and terminals.
    package var description: String {
        "\(file.map { "\($0):\(line)" } ?? "line \(line)"): \(element): \(label.map { "\($0): " } ?? "")\(problem)"
    }
}
