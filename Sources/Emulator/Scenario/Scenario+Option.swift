import FoundationEssentials
import Host
import YAML

extension Scenario {
    /// The option that takes a word which was given as a source: a file of a scenario or of expectations, or the name of a built-in
    /// scenario; `nil` for other words.
    package static func option(for word: String) -> (name: String, kind: String)? {
        let type = try? FileManager.default.attributesOfItem(atPath: word)[.type] as? FileAttributeType
        guard let type else {
            let name = word.prefix { $0 != "," }
            return BuiltInScenario.all.contains { $0.name == name } ? ("--scenario", "built-in scenario") : nil
        }
        // A FIFO is read once.
        guard type == .typeRegular, let bytes = try? FileDescriptors.contents(of: word, mostBytes: mostBytes),
            case .mapping(let entries)? = (try? YAMLDocument.root(of: bytes))?.content
        else { return nil }
        let keys = Set(entries.compactMap(\.key.text))
        if keys.contains("expect") { return ("--expect", "file of expectations") }
        return keys.isDisjoint(with: ["steps", "faults"]) ? nil : ("--scenario", "scenario")
    }
}
