import ArgumentParser
import Common
import Emulator
import FoundationEssentials
import Glibc
import Host

/// `virt-metadata emulate`: serves instances from files to whoever connects.
struct Emulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the metadata of files to whoever connects, for tests of cloud agents.",
        usage: "virt-metadata emulate [<options>] [<source> ...] [-- <command> [<argument> ...]]",
        discussion: """
            A source is a file of domain XML, a fixture folder (domain.xml, networks/*.xml, client) or a folder that crawl recorded. \
            Without one, an example instance is served that has a value for every entry. Each instance has a port of its own, on \
            127.0.0.1; every client is that instance. It needs no root, no libvirt daemon and no configuration file.

            With -- COMMAND, the command runs in a user and network namespace of its own, in which the emulator is at \
            http://169.254.169.254, http://[fd00:ec2::254] and http://[fe80::a9fe:a9fe%lo], and nothing else can be reached. Outside a \
            namespace it never listens there. The command gets the URL as AWS_EC2_METADATA_SERVICE_ENDPOINT and VIRT_METADATA_URL.

            A path of --set is relative to meta-data (spot/instance-action), or begins with user-data, dynamic, api, openstack or \
            nocloud, and means every version; /latest/user-data means that path alone. #/NAME is a member of a JSON document.

            Exit status: that of the command; without one, 0 after SIGTERM or SIGINT; 1 an expectation is not met; 2 usage error, \
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

              The same, half a minute later by a clock that a test steps:
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

    @OptionGroup var listening: EmulatorListening
    @OptionGroup var contents: EmulatorContents
    @OptionGroup var reports: EmulatorReports
    @OptionGroup var scenarios: EmulatorScenario

    func validate() throws {
        guard command.first != "" else {
            throw ValidationError("no command after --: expected one (is a variable empty?), or no -- to serve until a signal")
        }
        guard command.isEmpty || !listening.usesNamespace || sources.count < 2 else {
            throw ValidationError("one source can be at 169.254.169.254: use --no-namespace with several")
        }
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
        if isSeparate, !GuestNamespace.isInside { try await GuestNamespace.restart() }
        FreedMemory.keep(atMost: 64 << 10)
        _ = FileDescriptors.allow(EmulatorServer.mostConnections + 4 * sources.count + 64)
        let addresses = isSeparate ? try GuestNamespace.setUp() : listening.addresses()
        let clock = scenarios.makeClock()
        let instances = try contents.instances(of: sources, clock: clock, report: reports.report)
        try scenarios.applyMockConfiguration(to: instances, report: reports.report)
        let read = try scenarios.read(for: instances)
        for notice in Scenario.notices(of: read.scenarios, on: instances) { reports.report(notice) }
        if let warning = listening.warning { reports.report(warning) }
        let log = try reports.openLog()
        let server = EmulatorServer(instances, on: addresses, clock: clock) { log?.write($0) }
        let director = scenarios.direct(server, instances, by: read, clock, seed: contents.seed ?? 0)
        // From here on a signal ends the emulator in good order.
        let ending = EmulatorEnding()
        let signals = CaughtSignals([SIGTERM, SIGINT]) { ending.signal($0) }
        defer { withExtendedLifetime(signals) {} }
        try await server.start(port: isSeparate ? 80 : listening.port)
        let control = try scenarios.openControl(of: director, instances, by: read, clock)
        defer { control?.close() }
        director.ready()
        try reports.announce(
            instances.map { ($0.name, server.urls(of: $0)[0]) }, control: control?.url, isAlone: command.isEmpty)
        // The start used most of the program once; what serves needs little of it.
        ProgramPages.unmap()
        let status = try await status(server.urls(of: instances[0])[0], control?.url, ending)
        for sentence in scenarios.unusedFaults(of: director) { reports.report(sentence) }
        let isAsExpected = try scenarios.report(director, isQuiet: reports.quiet)
        await server.stop()
        reports.removeReadyFile()
        guard status == 0, isAsExpected else { throw ExitCode(status == 0 ? 1 : status) }
    }

    /// Waits for the end of the command, or for a signal.
    private func status(_ url: String, _ control: String?, _ ending: EmulatorEnding) async throws -> Int32 {
        guard !command.isEmpty else {
            await ending.wait()
            return 0
        }
        var environment = GuestNamespace.cleaned(ProcessInfo.processInfo.environment)
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url
        environment["VIRT_METADATA_URL"] = url
        environment["VIRT_METADATA_CONTROL_URL"] = control
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
