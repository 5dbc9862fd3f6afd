import Common
import Testing

@testable import Emulator

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("/latest/meta-data/hostname", "/latest/meta-data/hostname", true),
        ("/latest/meta-data/hostname", "/latest/meta-data", false),
        ("/latest/meta-data", "/latest/meta-data/hostname", false),
        ("/*/meta-data/hostname", "/2021-01-03/meta-data/hostname", true),
        ("/*", "/latest/meta-data", false), ("/**", "/latest/meta-data", true), ("/**", "/", true), ("/", "/", true),
        ("/", "/a", false),
        ("/latest/**/x", "/latest/x", true), ("/latest/**/x", "/latest/a/b/x", true), ("/latest/**/x", "/latest/a/b/y", false),
        ("spot/*", "/latest/meta-data/spot/instance-action", true), ("spot/*", "/latest/meta-data/spot", false),
        ("spot/**", "/latest/meta-data/spot", true), ("**", "/", true), ("hostname", "/latest/meta-data/local-hostname", false),
        ("*hostname", "/latest/meta-data/local-hostname", true), ("a?c", "/abc", true), ("a?c", "/ac", false),
        ("a*b*c", "/axxbyybzc", true), ("a*b*c", "/axxbyybz", false), ("*", "/x", true),
        // The server reads these spellings as the same path.
        ("meta-data/hostname", "/latest/meta-data/hostname/?x=1", true),
        ("meta-data/hostname", "//latest/./meta-data/%68ostname", true),
    ]) func `a pattern matches paths as a shell's does`(pattern: String, target: String, matches: Bool) throws {
        let pattern = try #require(PathPattern(pattern))
        #expect(pattern.matches(TreePath(target: target)) == matches)
    }

    @Test(arguments: ["", "a#b", String(repeating: "a", count: 513)]) func `a text that can match no path is no pattern`(
        text: String
    ) {
        #expect(PathPattern(text) == nil)
    }

    @Test func `a target that is no path is matched by everything alone`() throws {
        let target = TreePath(target: "/a%2fb")
        #expect(target == nil)
        #expect(try #require(PathPattern("**")).matches(target))
        #expect(try !#require(PathPattern("*")).matches(target))
    }

    @Test func `many stars take no long time`() throws {
        let stars = try #require(
            PathPattern(String(repeating: "*a", count: 100) + "/**/**/**/" + String(repeating: "**/x/", count: 30)))
        let long = "/" + String(repeating: "a", count: 300) + String(repeating: "/x", count: 300)
        let clock = ContinuousClock()
        var isMatch = false
        let time = clock.measure { isMatch = stars.matches(TreePath(target: long)) }
        #expect(isMatch)
        #expect(time < .seconds(1))
    }
}
