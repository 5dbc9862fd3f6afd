import Common
import JSON
import YAML

/// Examines a text by the rules of its header.
struct HeaderLint {
    typealias Remark = UserDataLint.Remark

    private let header: UserDataHeader
    private let lint: TextLint

    init(_ header: UserDataHeader, lint: TextLint) { (self.header, self.lint) = (header, lint) }

    func remarks(on lines: TextLines, _ first: TextLines.Line) -> [Remark] {
        switch header {
        case .cloudConfig: trailingWords(after: "#cloud-config", first) + CloudConfigLint.remarks(on: lines.text)
        case .cloudConfigArchive: archive(lines.text)
        case .cloudConfigPatch: patch(lines, first)
        case .include: include(lines)
        case .script: script(lines, first) + CloudConfigLint.templateRemarks(lines)
        case .jinja: jinja(lines, first)
        case .boothook, .partHandler, .windows: []
        }
    }

    private func trailingWords(after word: String, _ first: TextLines.Line) -> [Remark] {
        let line = first.text.trimmingWhitespace()
        guard line.count > word.count else { return [] }
        return [
            Remark(
                line: first.index + 1,
                "'\(shown(line))': the header must be '\(word)' alone; cloud-init accepts more words, other agents do not")
        ]
    }

    // MARK: Scripts

    private func script(_ lines: TextLines, _ first: TextLines.Line) -> [Remark] {
        var remarks: [Remark] = []
        let number = first.index + 1
        let line = first.text.trimmingWhitespace()
        let path = line.dropFirst(2).drop(while: \.isWhitespace)
        if path.isEmpty {
            remarks.append(Remark(line: number, "'#!' names no interpreter: expected a path such as '#!/bin/sh'"))
        } else if path.lowercased().hasPrefix("cloud-") {
            return [Remark(line: number, "misspelt header '\(shown(line))': expected '#\(shown(String(path)))'")]
        } else if !path.hasPrefix("/") {
            remarks.append(
                Remark(line: number, "'\(shown(line))': expected the absolute path of an interpreter, such as '#!/bin/sh'"))
        }
        let endsWithReturn = { (line: Substring) in line.utf8.last == UInt8(ascii: "\r") }
        if endsWithReturn(lines.all[first.index]) {
            let problem =
                "the lines end with CR LF: cloud-init converts that, other agents run '\(shown(path.trimmingWhitespace()))\\r', "
                + "which does not exist; save the file with LF"
            remarks.append(Remark(line: number, problem))
        } else if let mixed = lines.all.firstIndex(where: endsWithReturn) {
            let problem = "the line ends with CR LF, and the first one with LF: the shell reads the CR as a part of the command"
            remarks.append(Remark(line: mixed + 1, problem))
        }
        return remarks
    }

    // MARK: Templates

    /// The header of a template is followed by that of its result; Jinja's own statements and comments may stand between.
    private func jinja(_ lines: TextLines, _ first: TextLines.Line) -> [Remark] {
        let name = first.text.trimmingWhitespace().dropFirst("## template:".count).trimmingWhitespace()
        guard name.lowercased() == "jinja" else {
            return [Remark(line: first.index + 1, "unknown template '\(shown(name))': expected '## template: jinja'")]
        }
        let next = lines.all.indices.dropFirst(first.index + 1).first { index in
            let line = lines.all[index].trimmingWhitespace()
            return !line.isEmpty && !line.hasPrefix("{%") && !line.hasPrefix("{#")
        }
        guard let next else { return [Remark("a template without content")] }
        if lines.all[(first.index + 1)..<next].contains(where: { $0.contains("{%") || $0.contains("{#") }) { return [] }
        guard let header = UserDataHeader(of: String(lines.all[next])) else {
            let problem = "expected a header after '## template: jinja', such as '#cloud-config': agents ignore the text"
            return [Remark(line: next + 1, problem)]
        }
        // The text is YAML only after it is rendered.
        guard header == .cloudConfig, !lines.text.contains("{{"), !lines.text.contains("{%") else { return [] }
        return CloudConfigLint.remarks(on: lines.text)
    }

    // MARK: Lists of others

    private func include(_ lines: TextLines) -> [Remark] {
        var (remarks, hasURL): ([Remark], Bool) = ([], false)
        for (index, line) in lines.all.enumerated() {
            var url = line.trimmingWhitespace()
            for word in ["#include-once", "#include"] where url.lowercased().hasPrefix(word) {
                url = url.dropFirst(word.count).trimmingWhitespace()
                break
            }
            if url.isEmpty || url.hasPrefix("#") { continue }
            hasURL = true
            if url.contains(where: \.isWhitespace) {
                remarks.append(Remark(line: index + 1, "'\(shown(url))' has a space: expected one URL on each line"))
            } else if !["http://", "https://", "file://", "ftp://", "/"].contains(where: url.lowercased().hasPrefix) {
                let problem = "'\(shown(url))' is not a URL: expected one such as https://example.com/part"
                remarks.append(Remark(line: index + 1, problem))
            }
        }
        return hasURL ? remarks : remarks + [Remark("#include without a URL")]
    }

    private func archive(_ text: String) -> [Remark] {
        let (root, remarks) = CloudConfigLint.root(of: text)
        guard let root else { return remarks }
        guard case .sequence(let entries) = root.content else {
            return remarks + [Remark(line: root.line, "expected a list of parts after '#cloud-config-archive'")]
        }
        return remarks + entries.prefix(MessageLint.mostParts).flatMap(part)
    }

    private func part(_ entry: YAMLNode) -> [Remark] {
        var (content, type): (YAMLNode?, String?) = (entry, nil)
        if case .mapping(let members) = entry.content {
            let value = { (name: String) in members.first { $0.key.text == name }?.value }
            (content, type) = (value("content"), value("type")?.text)
        }
        guard let content, let text = content.text else {
            return [Remark(line: entry.line, "a part without a text 'content': cloud-init ignores it")]
        }
        // Its lines are not those of this text, where it is folded or quoted.
        return (lint.inner?.remarks(on: Array(text.utf8), type: type) ?? []).map { remark in
            Remark(line: content.line, "in this part: \(remark.line.map { "line \($0): " } ?? "")\(remark.problem)")
        }
    }

    private func patch(_ lines: TextLines, _ first: TextLines.Line) -> [Remark] {
        do throws(ParseError) {
            let value = try JSONParsing.value(of: lines.text(from: first.index + 1))
            if case .array = value { return [] }
            return [Remark("expected a JSON array of operations after '#cloud-config-jsonp'")]
        } catch {
            return [Remark(line: error.line.map { $0 + first.index + 1 }, "invalid JSON: \(error.problem)")]
        }
    }
}
