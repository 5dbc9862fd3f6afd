/// Escaping of text written by guests or operators before it reaches a terminal, a log or a label.
///
/// Such text can contain terminal control sequences (ECMA-48: U+009B introduces a command as U+001B and `[` do), line breaks that
/// forge log lines, and direction controls that reorder letters (Unicode UAX #9) and make a name look like another. Each of these
/// characters is replaced by its escape.
extension String {
    /// The layout characters that are kept.
    package enum Layout: Sendable {
        /// A single line or a field of it: none are kept.
        case line
        /// A page, such as a difference of two documents: line feeds and tabs are kept.
        case page
    }

    /// The text with every character that affects terminals, line readers or bidirectional layout replaced by its escape, such as
    /// `\u{9B}`; `\n` and `\t` have their short escapes.
    package func cleaned(for layout: Layout = .line) -> String {
        // Nearly every text takes this path, and log lines are written while guests wait.
        if utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return self }
        var cleaned = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "\n" where layout == .page, "\t" where layout == .page: cleaned.append(scalar)
            case "\n": cleaned.append(contentsOf: #"\n"#.unicodeScalars)
            case "\t": cleaned.append(contentsOf: #"\t"#.unicodeScalars)
            case _ where scalar.needsEscape:
                cleaned.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
            default: cleaned.append(scalar)
            }
        }
        return String(cleaned)
    }
}

extension Unicode.Scalar {
    /// Whether the character is a control character or one of Unicode's line separators.
    package var isControl: Bool { properties.generalCategory == .control || self == "\u{2028}" || self == "\u{2029}" }

    /// Whether the character is a control character, a line or paragraph separator, or an invisible format character: direction
    /// marks, embeddings, overrides and isolates, the byte order mark, tags. Joiners are kept: Persian and Hindi spelling needs
    /// them.
    fileprivate var needsEscape: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: value != 0x200C && value != 0x200D
        default: false
        }
    }
}

/// A value for display: its beginning, with control characters escaped.
package func shown(_ text: String) -> String {
    let longest = 40
    let beginning = text.unicodeScalars.prefix(longest)
    let escaped = beginning.map { $0.isControl ? $0.escaped(asASCII: true) : String($0) }.joined()
    return beginning.endIndex < text.unicodeScalars.endIndex ? escaped + "…" : escaped
}
