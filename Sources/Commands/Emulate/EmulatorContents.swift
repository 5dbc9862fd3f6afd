import ArgumentParser
import Common
import Configuration
import Description
import Emulator
import FoundationEssentials
import Host

/// What the instances of `emulate` are, besides their sources.
struct EmulatorContents: ParsableArguments {
    @Option(help: ArgumentHelp("Serve this value at a path. Repeatable.", valueName: "path=value"))
    var set: [String] = []

    @Option(
        name: .customLong("set-file"),
        help: ArgumentHelp("Serve the bytes of a file at a path. Repeatable.", valueName: "path=file"))
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "Return 404 for a path and all paths below it, and list none of them. Repeatable.", valueName: "path"))
    var absent: [String] = []

    @Option(
        name: .customLong("new-path"),
        help: ArgumentHelp(
            "Accept a path that no instance can have, in --set, --absent, scenarios and expectations. Repeatable.",
            valueName: "path"))
    var newPaths: [String] = []

    @Option(
        help: ArgumentHelp(
            "Session tokens of IMDSv2: optional or required; overrides the source. (default: the source's, or optional)",
            valueName: "policy"),
        completion: .list(SessionPolicy.Tokens.allCases.map(\.rawValue)))
    var sessionTokens: String?

    @Option(
        help: ArgumentHelp(
            "IP TTL of token responses, from 1 to 64; overrides the source. (default: the source's, or none)",
            valueName: "count"),
        transform: { try IntegerArgument.value(of: $0, in: 1...64) })
    var hopLimit: Int?

    @Option(
        help: ArgumentHelp(
            "Address of the guest, for values that depend on it. (default: the source's, or one of 192.168.122.0/24)",
            valueName: "address"))
    var sourceAddress: String?

    @Option(
        help: ArgumentHelp("Make tokens and other random values from this number, the same in every run.", valueName: "number"),
        transform: { try IntegerArgument.value(of: $0, in: 0 ... .max) })
    var seed: Int?

    func validate() throws {
        if let sessionTokens, SessionPolicy.Tokens(rawValue: sessionTokens) == nil {
            throw ValidationError("invalid value '\(sessionTokens)' for --session-tokens: expected optional or required")
        }
        if let sourceAddress, IPAddress(sourceAddress) == nil {
            throw ValidationError("invalid value '\(sourceAddress)' for --source-address: expected an IP address")
        }
    }

    /// The instances of sources; of the built-in one where there are none.
    ///
    /// - Parameter report: is told of each finding in a source.
    func instances(
        of sources: [String], clock: any EmulatorClock, report: (String) -> Void
    ) throws(EmulatorError) -> [EmulatedInstance] {
        var read = try sources.map { path throws(EmulatorError) in try Self.source(path) }
        if read.isEmpty { read = [try .builtIn()] }
        for finding in read.flatMap(\.findings) { report(finding) }
        if let address = sourceAddress.flatMap({ IPAddress($0) }) { read = read.map { $0.named($0.name, address: address) } }
        // No token, no response that brings one.
        if hopLimit != nil, sessionTokens == nil, let source = read.first(where: { !$0.issuesTokens }) {
            throw EmulatorError(
                "--hop-limit: the recorded server of \(source.name) issues no session tokens: add --session-tokens optional, or leave out "
                    + "--hop-limit")
        }
        let instances = try EmulatorSource.distinguishing(read).map { source throws(EmulatorError) in
            try EmulatedInstance(source, rules: rules, clock: clock)
        }
        let problems = try problems(with: instances)
        guard problems.isEmpty else {
            for problem in problems.dropLast() { VirtMetadata.printError("virt-metadata: \(problem)") }
            throw EmulatorError(problems[problems.count - 1])
        }
        for instance in instances { try change(instance) }
        // In the end: a document that is set in the same command may come after its members.
        for (option, texts) in [("--set", set), ("--set-file", files)] {
            for text in texts {
                try EmulatedInstance.checkMember(at: EmulatedPath(Self.parts(of: text, option).path), of: instances)
            }
        }
        return instances
    }

    /// The names of instances and paths, with those that the command line declares.
    func names(of instances: [EmulatedInstance]) throws(EmulatorError) -> ScenarioNames {
        ScenarioNames(of: instances).declaring(try newPaths.map { text throws(EmulatorError) in try EmulatedPath(text) })
    }

    private static func source(_ path: String) throws(EmulatorError) -> EmulatorSource {
        do throws(EmulatorError) {
            return try EmulatorSource(reading: path, defaults: defaults)
        } catch {
            if let option = Scenario.option(for: path) {
                throw EmulatorError("\(error); this is a \(option.kind): use \(option.name) \(path.shellWord)")
            }
            guard isProgram(path) else { throw error }
            throw EmulatorError("\(error); to run a program, put -- before it: virt-metadata emulate -- \(path.shellWord) ...")
        }
    }

    /// Whether a word is a program that the shell would run: a file that can be executed, or a name in PATH.
    private static func isProgram(_ word: String) -> Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        let files = word.contains("/") ? [word] : folders.map { "\($0)/\(word)" }
        return files.contains { file in
            var isFolder = false
            let exists = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
            return exists && !isFolder && FileManager.default.isExecutableFile(atPath: file)
        }
    }

    /// Paths of options that no instance has: a misspelt one makes a test pass or fail for the wrong reason.
    private func problems(with instances: [EmulatedInstance]) throws(EmulatorError) -> [String] {
        let names = try names(of: instances)
        var chosen = absent.map { (option: "--absent", path: $0) }
        for text in set { chosen.append(("--set", try Self.parts(of: text, "--set").path)) }
        for text in files { chosen.append(("--set-file", try Self.parts(of: text, "--set-file").path)) }
        var problems: [String] = []
        for (option, text) in chosen {
            let (path, isRemoval) = (try EmulatedPath(text), option == "--absent")
            if let problem = names.problem(with: path, as: text, mayBeDirectory: isRemoval) {
                if case .unknown = problem, instances.contains(where: { $0.hasEntry(at: path) }) { continue }
                problems.append(
                    "\(option): \(problem); to use a path that no instance can have, add --new-path \(text.shellWord)")
            } else if isRemoval, path.member != nil, !instances.contains(where: { $0.hasMember(at: path) }) {
                problems.append("\(option): no instance has the member '\(text.cleaned())': expected one that is served")
            }
        }
        return problems
    }

    /// What a fixture's configuration file tells to many domains.
    static func defaults(_ file: String, _ bytes: [UInt8]) throws(EmulatorError) -> InstanceDefaults {
        do throws(ConfigurationError) {
            var configuration = Configuration()
            try configuration.read(bytes, of: file)
            return configuration.defaults
        } catch {
            throw EmulatorError("\(error)")
        }
    }

    private var rules: EmulatedInstance.Rules {
        var rules = EmulatedInstance.Rules()
        rules.sessions.tokens = sessionTokens.flatMap(SessionPolicy.Tokens.init)
        rules.sessions.hopLimit = hopLimit
        if let seed { rules.entropy = { SeededEntropy.entropy(seed: UInt64(seed), purpose: $0) } }
        return rules
    }

    private func change(_ instance: EmulatedInstance) throws(EmulatorError) {
        let values = instance.values
        for path in absent { try values.remove(EmulatedPath(path)) }
        for text in set {
            let (path, value) = try Self.parts(of: text, "--set")
            try values.set(EmulatedPath(path), to: Array(value.utf8))
        }
        for text in files {
            let (path, file) = try Self.parts(of: text, "--set-file")
            let bytes: [UInt8]
            do throws(KernelError) {
                bytes = try FileDescriptors.contents(of: file, mostBytes: EmulatedValues.longest)
            } catch {
                throw EmulatorError("\(file): cannot be read: \(error.message)")
            }
            try values.set(EmulatedPath(path), to: bytes)
        }
    }

    private static func parts(of text: String, _ option: String) throws(EmulatorError) -> (path: String, value: String) {
        guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw EmulatorError("invalid value '\(text.cleaned())' for \(option): expected PATH=VALUE")
        }
        return (String(text[..<sign]), String(text[text.utf8.index(after: sign)...]))
    }
}
