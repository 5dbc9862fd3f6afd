/// The text of an operator's element: unchanged, or without the indentation of the surrounding XML.
///
/// If the text begins with a newline, its last line is blank and every line between begins with the first one's indentation, then
/// that indentation is removed from each line, and so are the first newline and the last line: the result has no final newline.
/// Any other text is not changed. Empty lines between stay empty.
func textBlock(_ text: String) -> String {
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 2, lines[0].isEmpty, lines[lines.count - 1].allSatisfy(isBlank) else { return text }
    let between = lines[1..<(lines.count - 1)]
    guard let indentation = between.first?.prefix(while: { $0 == " " || $0 == "\t" }) else { return "" }
    guard between.allSatisfy({ $0.isEmpty || $0.starts(with: indentation) }) else { return text }
    // Counted once: the first line may be as long as the text, and the others as many.
    let width = indentation.count
    return between.map { String(String.UnicodeScalarView($0.dropFirst(width))) }.joined(separator: "\n")
}

private func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\r"
}
