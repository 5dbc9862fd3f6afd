import ArgumentParser
import Common
import Emulator
import FoundationEssentials
import Glibc
import Host

/// What happens while `emulate` runs: scenarios, the clock, the control socket, and what is expected of clients.
struct EmulatorScenario: ParsableArguments {
    enum ClockKind: String, CaseIterable {
        case real, manual
    }

    @Option(
        help: ArgumentHelp(
            "Play a scenario: a file, or one of --list-scenarios, with parameters as in spot,delay=10s. Repeatable.",
            valueName: "scenario"),
        completion: .file())
    var scenario: [String] = []

    @Flag(help: "Print the built-in scenarios with their parameters, and exit.")
    var listScenarios = false

    @Option(help: ArgumentHelp("Print a built-in scenario as a scenario file, and exit.", valueName: "scenario"))
    var printScenario: String?

    @Option(
        help: ArgumentHelp(
            "Clock: real, or manual for one that stands still until the control socket steps it.", valueName: "clock"),
        completion: .list(ClockKind.allCases.map(\.rawValue)))
    var clock = "real"

    @Option(
        help: ArgumentHelp(
            "Listen for requests that set values, add faults and step the clock, at a loopback address or a Unix socket.",
            valueName: "address:port|path"))
    var control: String?

    @Option(
        help: ArgumentHelp(
            "Check the clients' requests against the expectations in this file; exit 1 if one is not met.", valueName: "file"),
        completion: .file())
    var expect: String?

    @Option(
        help: ArgumentHelp("Write the outcome of --expect as TAP to this file; - is the standard output.", valueName: "file"),
        completion: .file())
    var tap: String?

    @Option(
        help: ArgumentHelp(
            "Write the outcome of --expect as JUnit XML to this file; - is the standard output.", valueName: "file"),
        completion: .file())
    var junit: String?

    @Option(
        help: ArgumentHelp(
            "Serve the static values of a configuration file of amazon-ec2-metadata-mock. --set and --absent win.",
            valueName: "file"),
        completion: .file())
    var aemmConfig: String?

    func validate() throws {
        guard ClockKind(rawValue: clock) != nil else {
            throw ValidationError("invalid value '\(clock)' for --clock: expected real or manual")
        }
        // Nothing else could step it.
        guard clock == "real" || control != nil else { throw ValidationError("--clock manual needs --control, which steps it") }
        guard expect != nil || tap == nil && junit == nil else {
            throw ValidationError("--\(tap == nil ? "junit" : "tap") needs --expect")
        }
        guard !listScenarios || printScenario == nil else {
            throw ValidationError("--list-scenarios and --print-scenario contradict each other: use one of them")
        }
    }

    func makeClock() -> any EmulatorClock { clock == "manual" ? ManualClock() : RealClock() }

    // MARK: Printing

    /// Prints what was asked for instead of serving.
    ///
    /// - Returns: whether anything was asked for.
    func printBuiltIn() throws -> Bool {
        guard listScenarios || printScenario != nil else { return false }
        let text: String
        if let printScenario {
            guard let found = try BuiltInScenario.text(of: printScenario) else {
                throw EmulatorError("no scenario '\(printScenario.cleaned())': \(BuiltInScenario.advice(for: printScenario))")
            }
            text = found.yaml
        } else {
            text = BuiltInScenario.list
        }
        try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
        return true
    }

    // MARK: Reading

    /// The scenarios and expectations, with what they may name.
    struct Read {
        let scenarios: [Scenario]
        let expectations: [ClientExpectation]
        let names: ScenarioNames
        let control: ControlAddress?
    }

    /// Gives instances the values of another emulator's file, where the command line sets none.
    ///
    /// - Parameter report: is told of what the file has and is not taken over.
    func applyMockConfiguration(to instances: [EmulatedInstance], report: (String) -> Void) throws {
        guard let aemmConfig else { return }
        let configuration = try Self.reportingAll { try MockConfiguration(Self.bytes(of: aemmConfig), source: aemmConfig) }
        for instance in instances {
            for directory in configuration.directories where !instance.values.hasValue(below: directory) {
                try instance.values.remove(directory)
            }
            for (path, bytes) in configuration.values where !instance.values.hasValue(at: path) {
                try instance.values.set(path, to: bytes)
            }
        }
        guard !configuration.ignored.isEmpty else { return }
        report(
            "\(aemmConfig): ignored members: \(configuration.ignored.joined(separator: ", ")); use --scenario, --port and "
                + "--session-tokens instead"
        )
    }

    /// Reads all files, so that every error is reported before anything is served.
    func read(for instances: [EmulatedInstance], names: ScenarioNames) throws -> Read {
        try Self.reportingAll { try readAll(for: instances, names) }
    }

    /// Prints all problems but the last, which is the error.
    private static func reportingAll<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ScenarioProblems {
            for problem in error.problems.dropLast() { VirtMetadata.printError("virt-metadata: \(problem)") }
            throw EmulatorError("\(error.problems[error.problems.count - 1])")
        }
    }

    private func readAll(for instances: [EmulatedInstance], _ names: ScenarioNames) throws -> Read {
        let scenarios = try scenario.map { try Self.scenario($0, names) }
        try Scenario.check(scenarios)
        let address = try control.map { text throws(EmulatorError) in try ControlAddress(text) }
        guard let expect else { return Read(scenarios: scenarios, expectations: [], names: names, control: address) }
        let expectations = try ClientExpectation.read(
            Self.bytes(of: expect), source: expect, names: names.declaring(instances.flatMap(\.values.paths)),
            scenarios: scenarios, addsFaults: address != nil)
        return Read(scenarios: scenarios, expectations: expectations, names: names, control: address)
    }

    private static func scenario(_ choice: String, _ names: ScenarioNames) throws -> Scenario {
        if let (name, yaml) = try BuiltInScenario.text(of: choice) {
            return try Scenario(Array(yaml.utf8), source: "scenario \(name)", names: names)
        }
        guard FileManager.default.fileExists(atPath: choice) else {
            throw EmulatorError("no scenario '\(choice.cleaned())': \(BuiltInScenario.advice(for: choice))")
        }
        return try Scenario(bytes(of: choice), source: choice, names: names)
    }

    private static func bytes(of file: String) throws(EmulatorError) -> [UInt8] {
        do throws(KernelError) {
            return try FileDescriptors.contents(of: file, mostBytes: Scenario.mostBytes)
        } catch {
            throw EmulatorError("\(file): cannot be read: \(error.message)")
        }
    }

    // MARK: Playing

    /// Has the scenarios take part in a server, which does not listen yet.
    ///
    /// - Parameter seed: of faults with a probability, unless a scenario has one.
    func direct(
        _ server: EmulatorServer, _ instances: [EmulatedInstance], by read: Read, _ clock: any EmulatorClock, seed: Int
    ) -> ScenarioDirector {
        let director = ScenarioDirector(
            read.scenarios, expectations: read.expectations, clock: clock, instances: instances, seed: UInt64(seed),
            ports: server, keepsRecords: read.control != nil, onFailure: { VirtMetadata.printError("virt-metadata: \($0)") })
        server.conduct(by: director)
        return director
    }

    func openControl(
        of director: ScenarioDirector, _ instances: [EmulatedInstance], by read: Read, _ clock: any EmulatorClock
    ) throws(EmulatorError) -> ControlListener? {
        guard let address = read.control else { return nil }
        let responder = ControlResponder(director: director, names: read.names, instances: instances, clock: clock)
        return try ControlListener(on: address, responder)
    }

    // MARK: Reporting

    /// How many faults are named at the end.
    private static let mostUnused = 10

    /// A sentence about each fault that never applied, with the number of those that are not named.
    func unusedFaults(of director: ScenarioDirector) -> [String] {
        let unused = director.unusedFaults
        guard unused.count > Self.mostUnused else { return unused }
        return unused.prefix(Self.mostUnused) + ["\(unused.count - Self.mostUnused) more faults never applied"]
    }

    /// Reports the outcome of the expectations.
    ///
    /// - Returns: whether all are met.
    func report(_ director: ScenarioDirector, isQuiet: Bool) throws -> Bool {
        guard expect != nil else { return true }
        let report = ExpectationReport(director.results(), duration: director.elapsed.inSeconds)
        if report.failures > 0 || !isQuiet {
            // Standard output may be the command's.
            VirtMetadata.printError(String(report.text.dropLast()), as: .page)
        }
        for (file, text) in [(tap, report.tap), (junit, report.junit)] {
            guard let file else { continue }
            guard file != "-" else {
                try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
                continue
            }
            do throws(KernelError) {
                try WholeFile.write(Array(text.utf8), to: file)
            } catch {
                throw EmulatorError("\(file): cannot be written: \(error.message)")
            }
        }
        return report.failures == 0
    }
}
