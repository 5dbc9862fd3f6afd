import Common

/// The outcome of expectations as people and CI systems read it.
package struct ExpectationReport: Sendable {
    package let results: [ExpectationResult]
    /// How long the run took, in seconds.
    package let duration: Double

    package init(_ results: [ExpectationResult], duration: Double) { (self.results, self.duration) = (results, duration) }

    package var failures: Int { results.count { !$0.isMet } }

    /// One line for each expectation that failed, with what was found and expected, and a line with the numbers.
    package var text: String {
        let lines = results.filter { !$0.isMet }.map { result in
            // An expectation without a name is called by what it expects.
            let expected = result.name == result.expected ? "" : "; expected \(result.expected.cleaned())"
            return "expectation failed: \(result.name.cleaned()): \(result.found.cleaned())\(expected)\n"
        }
        return lines.joined() + "expectations: \(results.count - failures) met, \(failures) failed\n"
    }

    /// TAP, version 14 (https://testanything.org/tap-version-14-specification.html).
    package var tap: String {
        let points = results.enumerated().map { index, result in
            // A number sign would begin a directive.
            let name = result.name.cleaned().replacing("\\", with: "\\\\").replacing("#", with: "\\#")
            let line = "\(result.isMet ? "ok" : "not ok") \(index + 1) - \(name)\n"
            guard !result.isMet else { return line }
            return line + "  ---\n  expected: \(Self.quoted(result.expected))\n  found: \(Self.quoted(result.found))\n  ...\n"
        }
        return "TAP version 14\n1..\(results.count)\n" + points.joined()
    }

    /// A double-quoted scalar of YAML in one line.
    private static func quoted(_ text: String) -> String {
        "\"\(text.cleaned().replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    /// JUnit's XML, as Jenkins, GitLab and GitHub's actions read it.
    package var junit: String {
        let seconds = Self.seconds(duration)
        let counts = "tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"0\" time=\"\(seconds)\""
        let cases = results.map { result in
            let start = "    <testcase classname=\"virt-metadata.emulate\" name=\"\(Self.escaped(result.name))\" time=\"0\""
            guard !result.isMet else { return start + "/>\n" }
            let failure = "      <failure message=\"\(Self.escaped(result.found))\" type=\"expectation\">"
            return start + ">\n\(failure)\(Self.escaped("expected " + result.expected))</failure>\n    </testcase>\n"
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites \(counts)>
              <testsuite name="virt-metadata emulate" \(counts)>
            \(cases.joined())  </testsuite>
            </testsuites>

            """
    }

    /// Milliseconds are enough.
    private static func seconds(_ duration: Double) -> String {
        let milliseconds = Int64((max(0, duration) * 1000).rounded())
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }

    /// Text as XML 1.0, which has no control characters, not even as references.
    private static func escaped(_ text: String) -> String {
        text.cleaned().replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
