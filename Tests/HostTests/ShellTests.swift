import Foundation
import Host
import Testing

struct ShellTests {
    @Test(arguments: [
        "plain", "a b", "it's", "'\u{301}; touch $HERE; '\u{301}", "'\u{301}", "''", "$HOME `id` \\ \"", "'\u{FE0F}' '\u{20DD}",
        "\n-x",
    ]) func `the argument of a command is quoted`(argument: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "shell-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        // The argument and the number of arguments go to a file.
        let status = try Shell.run("sh -c 'printf %s.%s \"$#\" \"$1\" > \(file.path)' sh", argument: argument)
        #expect(status == 0)
        #expect(try Data(contentsOf: file) == Data("1.\(argument)".utf8))
    }

    @Test func `a command's exit status is returned`() throws {
        #expect(try Shell.run("exit 3; true", argument: "x") == 3)
        #expect(try Shell.run("kill -9 $$; true", argument: "x") == 137)
    }
}
