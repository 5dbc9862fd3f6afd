import Common
import JSON

/// User data of agents that need no header, or of a tool whose output was forgotten to be converted.
struct OtherFormat {
    let remarks: [UserDataLint.Remark]

    /// `nil` where the text is of no known format.
    init?(of text: String, _ lines: TextLines, _ first: TextLines.Line) {
        let line = first.text.trimmingWhitespace()
        if line.hasPrefix("{") {
            // NixOS images take a configuration: a function, whose arguments precede a colon.
            remarks = Self.isNix(text) ? [] : Self.remarks(onJSON: text)
        } else if Self.isBottlerocket(line) || line.hasPrefix("### http") || Self.isTalos(lines) {
            remarks = []
        } else if let variant = Self.butaneVariant(lines) {
            remarks = [
                .init(
                    line: variant.line,
                    "Butane (variant: \(shown(variant.name))) is the source of an Ignition configuration, which guests do not read: "
                        + "convert it by `butane --strict`")
            ]
        } else {
            return nil
        }
    }

    private static func isBottlerocket(_ line: String) -> Bool { line.hasPrefix("[settings") && line.hasSuffix("]") }

    private static func isNix(_ text: String) -> Bool {
        guard let end = text.firstIndex(of: "}") else { return false }
        return !text[..<end].contains("\"") && text[text.index(after: end)...].drop(while: \.isWhitespace).first == ":"
    }

    /// Talos' machine configuration: YAML without a header.
    private static func isTalos(_ lines: TextLines) -> Bool {
        let keys = lines.all.prefix(100).filter { $0.first?.isLetter == true }.map { $0.trimmingWhitespace() }
        return keys.contains { ["version: v1alpha1", "apiVersion: v1alpha1"].contains($0) }
    }

    private static func butaneVariant(_ lines: TextLines) -> (name: String, line: Int)? {
        let found = lines.all.prefix(100).enumerated().first { $0.element.hasPrefix("variant:") }
        guard let (index, line) = found else { return nil }
        let name = line.dropFirst("variant:".count).trimmingWhitespace()
        return ["fcos", "flatcar", "openshift", "r4e", "fiot"].contains(name) ? (name, index + 1) : nil
    }

    // MARK: Ignition

    private static func remarks(onJSON text: String) -> [UserDataLint.Remark] {
        let document: JSONValue
        do {
            document = try JSONParsing.value(of: text)
        } catch {
            return [.init(line: error.line, "invalid JSON, so Ignition stops the boot: \(error.problem)")]
        }
        guard case .object(let members) = document else { return [] }
        guard let ignition = members.first(where: { $0.name == "ignition" })?.value, case .object(let values) = ignition else {
            if members.contains(where: { $0.name == "ignitionVersion" }) {
                return [.init("an Ignition configuration of version 1, which no current guest reads: expected 3.x")]
            }
            return [
                .init("JSON without an object 'ignition': Ignition rejects it, and cloud-init ignores it and logs a warning")
            ]
        }
        guard case .string(let version)? = values.first(where: { $0.name == "version" })?.value else {
            return [.init("an Ignition configuration without \"ignition\": {\"version\": …}: Ignition rejects it")]
        }
        let release = version.split(separator: "-", maxSplits: 1).first ?? ""
        let parts = release.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ UInt($0) != nil }), ["2", "3"].contains(parts[0]) else {
            return [.init("unknown Ignition version '\(shown(version))': expected one such as 3.4.0")]
        }
        return []
    }
}

extension Substring {
    func trimmingWhitespace() -> String { String(self).trimmingWhitespace() }
}
