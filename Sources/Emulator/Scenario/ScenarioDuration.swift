/// Durations in scenario files: seconds as a number, or a number with a unit: `2`, `1.5`, `250ms`, `120s`, `5m`, `2h`, `7d`.
enum ScenarioDuration {
    /// Longer ones are typing errors.
    static let longest = Duration.seconds(366 * 86_400)
    static let expected = "a duration such as 250ms, 120s, 5m, 2h or 7d (a number alone is seconds)"

    private static let units: [(name: Substring, length: Duration)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)), ("d", .seconds(86_400)),
    ]

    enum Failure: Error {
        case negative
        case malformed
        case tooLong
    }

    static func read(_ text: Substring) throws(Failure) -> Duration {
        if text.hasPrefix("-"), (try? read(text.dropFirst())) != nil { throw .negative }
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let name = text.dropFirst(digits.count)
        guard let unit = name.isEmpty ? .seconds(1) : units.first(where: { $0.name == name })?.length else { throw .malformed }
        guard let first = digits.first, first != ".", digits.last != ".", digits.count <= 12, let number = Double(digits) else {
            throw .malformed
        }
        // In whole milliseconds, which are exact.
        let milliseconds = (number * (unit / .milliseconds(1))).rounded()
        guard milliseconds <= longest / .milliseconds(1) else { throw .tooLong }
        return .milliseconds(Int64(milliseconds))
    }

    /// The duration as a file has it.
    static func written(_ duration: Duration) -> String {
        let milliseconds = Int64(duration / .milliseconds(1))
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    /// The duration in seconds, without a fraction where it has none: `120 s`.
    static func text(_ duration: Duration) -> String {
        let milliseconds = Int64(duration / .milliseconds(1))
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(Double(milliseconds) / 1000) s"
    }
}
