import ArgumentParser
import Common
import Configuration
import Conformance
import Glibc
import Probe

extension ConformanceReport.Format: ExpressibleByArgument {}
extension Profile: ExpressibleByArgument {}

/// `virt-metadata conformance`: whether a server is what clients need.
struct ConformanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Check whether a metadata server does what its clients need.",
        discussion: """
            Each rule is something that a client needs. --rules prints each rule, the client that fails if the server breaks it, and \
            the place in the client's source. If the server breaks a MUST, the check fails; if it breaks a SHOULD, there is a \
            warning. A rule about something that the server does not have is skipped. The command sends the same requests as \
            guests, and changes nothing on the server.

            Exit status: 0 the server conforms; 1 it does not conform, or stopped responding; 2 usage error, no response, or no \
            metadata.

            EXAMPLES
                virt-metadata conformance http://169.254.169.254/
                virt-metadata conformance http://169.254.169.254/ \\
                  --profile ec2,imdsv2 --skip token-expired -o tap
                virt-metadata conformance --rules
            """)

    @Argument(help: ArgumentHelp("The server, such as http://127.0.0.1:1338/.", valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            """
            Check these profiles, separated by commas: ec2, imdsv2, openstack, nocloud, or http (only the rules about connections and \
            requests, which each other profile includes). (default: those that the server has)
            """,
            valueName: "names"),
        completion: .list(["ec2", "imdsv2", "openstack", "nocloud", "http"]), transform: Self.profiles)
    var profile: Set<Profile>?

    @Flag(help: "Fail also if the server breaks a SHOULD.")
    var strict = false

    @Option(
        help: ArgumentHelp("Do not check this rule. Repeatable.", valueName: "rule"), completion: .list(Rule.all.map(\.name)),
        transform: Self.rule)
    var skip: [String] = []

    @Option(
        help: ArgumentHelp("Check this rule and no others. Repeatable.", valueName: "rule"),
        completion: .list(Rule.all.map(\.name)),
        transform: Self.rule)
    var rule: [String] = []

    @Flag(help: "List all rules and check none.")
    var rules = false

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Format of the report; tap is TAP 14, junit is XML. (default: text)", valueName: "format"))
    var output: ConformanceReport.Format?

    @Option(
        help: ArgumentHelp("Seconds for each request. (default: 5)", valueName: "seconds"),
        transform: { try IntegerArgument.value(of: $0, in: 1...600) })
    var timeout: Int?

    @Option(
        help: ArgumentHelp("Seconds for the whole run. (default: 180)", valueName: "seconds"),
        transform: { try IntegerArgument.value(of: $0, in: 1...86_400) })
    var timeLimit: Int?

    private var format: ConformanceReport.Format { output ?? .text }

    private static func profiles(_ text: String) throws -> Set<Profile> {
        let names = text.split(separator: ",").map(String.init)
        guard !names.isEmpty else { throw ValidationError("expected ec2, imdsv2, openstack, nocloud or http") }
        return Set(
            try names.map { name in
                guard let profile = Profile(rawValue: name) else {
                    throw ValidationError("unknown profile '\(name)': expected ec2, imdsv2, openstack, nocloud or http")
                }
                return profile
            })
    }

    private static func rule(_ text: String) throws -> String {
        guard Rule.all.contains(where: { $0.name == text }) else {
            throw ValidationError("unknown rule '\(text)': `virt-metadata conformance --rules` lists all")
        }
        return text
    }

    func validate() throws {
        guard rules || url != nil else { throw ValidationError("a URL is missing, such as http://169.254.169.254/") }
    }

    func run() throws {
        guard !rules, let url else {
            return try FileDescriptorOutput.write(Array(ConformanceReport.rules(as: format).utf8), to: STDOUT_FILENO)
        }
        var options = Conformance.Options()
        (options.profiles, options.skipped, options.only) = (profile, Set(skip), Set(rule))
        if let timeout { options.timeout = .seconds(timeout) }
        if let timeLimit { options.time = .seconds(timeLimit) }
        let chosen = options
        let result = try ProbeFailure.orExit { () throws(any Error) in try Conformance(try ProbeFailure.url(url), chosen).run() }
        let report = ConformanceReport(result, isStrict: strict)
        try FileDescriptorOutput.write(Array(report.text(as: format).utf8), to: STDOUT_FILENO)
        guard result.conforms(isStrict: strict) else { throw ExitCode(1) }
    }
}
