import ArgumentParser

/// A number of the command line.
enum IntegerArgument {
    /// - Throws: `ValidationError` with the expected numbers.
    static func value(of text: String, in range: ClosedRange<Int>) throws -> Int {
        guard let value = Int(text), range.contains(value) else {
            let expected =
                range.upperBound == .max
                ? "an integer of at least \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
            throw ValidationError("expected \(expected)")
        }
        return value
    }
}
