import FoundationEssentials
import Glibc

/// How text may look on a stream: colours only where a person looks at it, and has not asked for none.
struct Terminal {
    /// Whether colours are shown.
    let hasColours: Bool

    /// What a stream of this process is (https://no-color.org).
    init(_ descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        hasColours = isatty(descriptor) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// A colour of the eight that every terminal has (ECMA-48, SGR 31 to 36).
    enum Colour: Int {
        case red = 31, green, yellow
        case cyan = 36
    }

    /// The text in a colour, where there are colours.
    func coloured(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
