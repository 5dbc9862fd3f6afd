import ArgumentParser
import Common
import Configuration
import Emulator
import FoundationEssentials
import Glibc
import Host

/// `virt-metadata emulate`: serves instances from files to whoever connects.
struct Emulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve instances from files, to test cloud agents.",
        usage: "virt-metadata emulate [<options>] [<source> ...] [-- <command> [<argument> ...]]",
        discussion: """
            A source is a file of domain XML, a fixture folder (domain.xml, networks/*.xml, client) or a folder that crawl recorded. \
            Without one, an example instance is served that has a value for every entry. Each instance has a port of its own, on \
            127.0.0.1; every client gets the metadata of that instance. With --as, all instances have one port, and the client's \
            address selects the instance. `emulate` needs no root, libvirt daemon or configuration file.

            With -- COMMAND, the command runs in a user and network namespace of its own, in which the emulator is at \
            http://169.254.169.254, http://[fd00:ec2::254] and http://[fe80::a9fe:a9fe%lo], and nothing else can be reached. Outside a \
            namespace it never listens there. The command gets the URL as AWS_EC2_METADATA_SERVICE_ENDPOINT and VIRT_METADATA_URL.

            A path of --set is relative to meta-data (spot/instance-action), or begins with user-data, dynamic, api, openstack or \
            nocloud, and means every version; /latest/user-data means that path alone. #/NAME is a member of a JSON document. A path \
            that no instance can have is an error, unless --new-path names it too.

            Exit status: that of the command; without one, 0 after SIGTERM, SIGINT or SIGHUP; 1 an expectation is not met; 2 usage error, \
            unreadable source, address in use, or no namespace; 127 no such command.

            EXAMPLES
              Serve the example instance, and print its URL:
                virt-metadata emulate --print-url

              Run an agent that knows no other address:
                virt-metadata emulate web.xml -- \\
                  curl -sf http://169.254.169.254/latest/meta-data/

              A spot interruption, and what the agent requested:
                virt-metadata emulate --absent events/recommendations \\
                  --set 'spot/instance-action={"action":"stop"}' \\
                  --access-log requests.jsonl --ready-file emulator.json

              Two instances at one port, chosen by the client's address:
                virt-metadata emulate --as 127.0.0.2=web.xml --as 127.0.0.3=db.xml

              An interruption half a minute after the start, by a clock that a test steps:
                virt-metadata emulate --scenario spot,action=stop \\
                  --clock manual --control 127.0.0.1:0
            """)

    @Argument(
        help: ArgumentHelp("Domain XML, fixture folder or recording; - is the standard input.", valueName: "source"),
        completion: .file())
    var sources: [String] = []

    /// The words after `--`; see ``ArgumentNormalization``.
    @Option(name: .customLong("command"), parsing: .unconditionalSingleValue, help: .hidden)
    var command: [String] = []

    @OptionGroup var clients: EmulatorClients
    @OptionGroup var listening: EmulatorListening
    @OptionGroup var contents: EmulatorContents
    @OptionGroup var reports: EmulatorReports
    @OptionGroup var scenarios: EmulatorScenario

    func validate() throws {
        guard command.first != "" else {
            throw ValidationError("no command after --: expected one (is a variable empty?), or no -- to serve until a signal")
        }
        guard command.isEmpty || !listening.usesNamespace || sources.count < 2 else {
            throw ValidationError("one source can be at 169.254.169.254: use --as or --no-namespace with several")
        }
        guard clients.isEmpty || sources.count < 2 else {
            throw ValidationError(
                "--as with \(sources.count) sources that have no address: expected at most one, for all other clients")
        }
        let all = try clients.entries().map(\.source) + sources
        guard all.count(where: { $0 == "-" }) < 2 else { throw ValidationError("the standard input can be one source only") }
        try listening.validate(ports: clients.isEmpty ? max(1, sources.count) : 1)
        guard command.isEmpty || !listening.usesNamespace || !listening.isChosen else {
            throw ValidationError("--listen and --port contradict the namespace of a command: use --no-namespace with them")
        }
        guard !command.isEmpty || listening.usesNamespace else {
            throw ValidationError("--no-namespace needs a command after --")
        }
    }

    /// Whether the command has a namespace of its own.
    private var isSeparate: Bool { !command.isEmpty && listening.usesNamespace }

    func run() async throws {
        if try scenarios.printBuiltIn() { return }
        // One of an earlier run must not be taken for this run's, also if this one does not start.
        reports.removeReadyFile()
        if isSeparate, !GuestNamespace.isInside { try await GuestNamespace.restart() }
        FreedMemory.keep(atMost: 64 << 10)
        // What this program got from its starter is the command's too.
        let inherited = FileDescriptors.inheritable
        let addresses = isSeparate ? try GuestNamespace.setUp() : listening.addresses()
        // Each port is held on each address, and listened on.
        _ = FileDescriptors.allow(EmulatorServer.mostConnections + 2 * addresses.count * max(1, sources.count) + 64)
        let clock = scenarios.makeClock()
        let entries = try clients.entries()
        let instances = try contents.instances(of: entries.map(\.source) + sources, clock: clock, report: reports.report)
        try scenarios.applyMockConfiguration(to: instances, report: reports.report)
        let read = try scenarios.read(for: instances, names: contents.names(of: instances))
        for warning in Scenario.replacements(by: read.scenarios, on: instances) { reports.report(warning) }
        for notice in Scenario.notices(of: read.scenarios, on: instances) { reports.report(notice) }
        for warning in try clients.warnings(listening: addresses) { reports.report(warning) }
        if let warning = listening.warning { reports.report(warning) }
        let log = try reports.openLog()
        defer { reports.removeReadyFile() }
        let server = EmulatorServer(
            try clients.selections(instances, clock: clock), on: addresses, clock: clock, onRecord: { log?.write($0) },
            onFailure: { VirtMetadata.printError("virt-metadata: \($0)") })
        let director = scenarios.direct(server, instances, by: read, clock, seed: contents.seed ?? 0)
        // From here on a signal ends the emulator in good order.
        let ending = EmulatorEnding()
        let signals = CaughtSignals(EmulatorEnding.signals) { ending.signal($0) }
        defer { withExtendedLifetime(signals) {} }
        try await server.start(port: isSeparate ? 80 : listening.port)
        let control = try scenarios.openControl(of: director, instances, by: read, clock)
        defer { control?.close() }
        director.ready()
        try reports.announce(
            instances.enumerated().map { index, instance in
                let addresses = entries.indices.contains(index) ? entries[index].addresses : []
                return .init(name: instance.name, url: server.urls(of: instance)[0], clients: addresses)
            }, control: control?.url, isAlone: command.isEmpty)
        // The start used most of the program once; what serves needs little of it.
        ProgramPages.unmap()
        let status = try await status(server.urls(of: instances[0])[0], control?.url, ending, inherited)
        for sentence in scenarios.unusedFaults(of: director) { reports.report(sentence) }
        let isAsExpected = try scenarios.report(director, isQuiet: reports.quiet)
        await server.stop()
        guard status == 0, isAsExpected else { throw ExitCode(status == 0 ? 1 : status) }
    }

    /// Waits for the end of the command, or for a signal.
    private func status(
        _ url: String, _ control: String?, _ ending: EmulatorEnding, _ inherited: Set<Int32>
    ) async throws -> Int32 {
        guard !command.isEmpty else {
            await ending.wait()
            return 0
        }
        var environment = GuestNamespace.cleaned(ProcessInfo.processInfo.environment)
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url
        environment[Configuration.emulatorVariable] = url
        environment["VIRT_METADATA_CONTROL_URL"] = control
        FileDescriptors.keepFromPrograms(allBut: inherited)
        do throws(KernelError) {
            let child = try ChildProgram(command, environment: environment)
            ending.passOn(to: child)
            return await child.wait()
        } catch {
            VirtMetadata.printError("virt-metadata: cannot run \(command[0].shellWord): \(error.message)")
            return error.code == .noSuchEntry ? 127 : 126
        }
    }
}
