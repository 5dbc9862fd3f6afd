import FoundationEssentials
import Glibc

/// The look of text on a stream: colours only where a person reads it, and has not disabled them.
struct Terminal {
    let hasColours: Bool

    /// Detects whether a stream of this process shows colours (https://no-color.org).
    init(_ descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        hasColours = isatty(descriptor) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// A colour of the eight that every terminal has (ECMA-48, SGR 31 to 36).
    enum Colour: Int {
        case red = 31, green, yellow
        case cyan = 36
    }

    func coloured(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
