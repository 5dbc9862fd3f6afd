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
        discussion: """
            A source is a file of domain XML, a fixture folder (domain.xml, networks/*.xml, client) or a folder that crawl recorded. \
            Without one, an example instance is served that has a value for every entry. Each instance has a port of its own, on \
            127.0.0.1; every client is that instance. It needs no root, no libvirt daemon and no configuration file.

            With -- COMMAND, the command runs in a user and network namespace of its own, in which the emulator is at \
            http://169.254.169.254, http://[fd00:ec2::254] and http://[fe80::a9fe:a9fe%lo], and nothing else can be reached. Outside a \
            namespace it never listens there. The command gets the URL as AWS_EC2_METADATA_SERVICE_ENDPOINT and VIRT_METADATA_URL.

            A path of --set is relative to meta-data (spot/instance-action), or begins with user-data, dynamic, api, openstack or \
            nocloud, and means every version; /latest/user-data means that path alone. #/NAME is a member of a JSON document.

            Exit status: that of the command; without one, 0 after SIGTERM or SIGINT; 2 usage error, unreadable source, address in use, \
            or no namespace; 127 no such command.

            EXAMPLES
              Serve the example instance, and print its URL:
                virt-metadata emulate --print-url

              Run an agent that knows no other address than 169.254.169.254:
                virt-metadata emulate web.xml -- curl -sf http://169.254.169.254/latest/meta-data/

              A spot interruption, and what the agent requested:
                virt-metadata emulate --absent events/recommendations \\
                  --set 'spot/instance-action={"action":"stop","time":"2026-01-01T00:02:00Z"}' \\
                  --access-log requests.jsonl --ready-file emulator.json
            """)

    @Argument(
        help: ArgumentHelp("Domain XML, fixture folder or recording; - is the standard input.", valueName: "source"),
        completion: .file())
    var sources: [String] = []

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("A command to run with the emulator, after --.", valueName: "command"))
    var command: [String] = []

    @OptionGroup(title: "Options") var listening: EmulatorListening
    @OptionGroup(title: "Options") var contents: EmulatorContents
    @OptionGroup(title: "Options") var reports: EmulatorReports

    func validate() throws {
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
        if isSeparate, !GuestNamespace.isInside { try await GuestNamespace.restart() }
        FreedMemory.keep(atMost: 64 << 10)
        _ = FileDescriptors.allow(EmulatorServer.mostConnections + 4 * sources.count + 64)
        let addresses = isSeparate ? try GuestNamespace.setUp() : try listening.addresses()
        let clock = RealClock()
        let instances = try contents.instances(of: sources, clock: clock, report: reports.report)
        let log = try reports.openLog()
        let server = EmulatorServer(instances, on: addresses, clock: clock) { log?.write($0) }
        // From here on a signal ends the emulator in good order.
        let ending = EmulatorEnding()
        let signals = CaughtSignals([SIGTERM, SIGINT]) { ending.signal($0) }
        defer { withExtendedLifetime(signals) {} }
        try await server.start(port: isSeparate ? 80 : listening.port)
        try reports.announce(instances.map { ($0.name, server.urls(of: $0)[0]) }, isAlone: command.isEmpty)
        let status = try await status(server.urls(of: instances[0])[0], ending)
        await server.stop()
        reports.removeReadyFile()
        if status != 0 { throw ExitCode(status) }
    }

    /// Waits for the end of the command, or for a signal.
    private func status(_ url: String, _ ending: EmulatorEnding) async throws -> Int32 {
        guard !command.isEmpty else {
            await ending.wait()
            return 0
        }
        var environment = GuestNamespace.cleaned(ProcessInfo.processInfo.environment)
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url
        environment["VIRT_METADATA_URL"] = url
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
