import Common
import Glibc

/// Questions to the operator.
enum Prompt {
    /// Whether somebody can answer: the question is seen, and the answer comes from a terminal.
    static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks, and returns the first letter of the answer in lower case; `nil` for an empty answer, and at the end of input.
    static func letter(_ question: String) -> Character? {
        var stream = StandardError()
        print(question.cleaned(), terminator: " ", to: &stream)
        return readLine()?.lowercased().first { !$0.isWhitespace }
    }

    /// Asks for a yes or no; no is the default.
    static func confirms(_ question: String) -> Bool { letter("\(question) [y/N]") == "y" }
}
