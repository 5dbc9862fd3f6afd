import ArgumentParser
import Common
import Emulator
import Glibc
import Host
import JSON

/// What `emulate` tells, and where.
struct EmulatorReports: ParsableArguments {
    @Flag(help: "Print only the URLs: one per instance, or one if all instances share a port.")
    var printURL = false

    @Option(
        help: ArgumentHelp(
            "Write a JSON object with url, instances and pid to this file, once the emulator answers; an old one is removed first.",
            valueName: "file"),
        completion: .file())
    var readyFile: String?

    @Option(
        help: ArgumentHelp("Write a line of JSON for each request to this file, which is emptied first.", valueName: "file"),
        completion: .file())
    var accessLog: String?

    @Flag(name: [.customShort("q"), .long], help: "Print nothing but errors.")
    var quiet = false

    func validate() throws {
        guard !printURL || !quiet else { throw ValidationError("--print-url and --quiet contradict each other: use one of them") }
    }

    /// Reports a finding in a source.
    func report(_ finding: String) {
        if !quiet { VirtMetadata.printError("virt-metadata: \(finding)") }
    }

    func openLog() throws(EmulatorError) -> AccessLogFile? {
        try accessLog.map { path throws(EmulatorError) in try AccessLogFile(path) }
    }

    /// An instance as it is announced.
    struct Announced {
        let name: String
        let url: String
        /// The addresses of its clients, where several instances have one port; empty for all others.
        let clients: [IPAddress]

        var json: JSONValue {
            let addresses = JSONMember("clients", .array(clients.map { .string($0.description) }))
            return .object(
                [JSONMember("name", .string(name)), JSONMember("url", .string(url))] + (clients.isEmpty ? [] : [addresses]))
        }
    }

    /// - Parameters:
    ///   - control: the URL of the control socket.
    ///   - isAlone: whether the output is the emulator's own, and not a command's.
    func announce(_ instances: [Announced], control: String?, isAlone: Bool) throws {
        try writeReadyFile(instances, control)
        if printURL || isAlone && !quiet {
            var lines = instances.map { printURL ? "\($0.url)\n" : "\($0.name.cleaned()): \($0.url)\n" }
            // Instances of one port have one URL.
            if printURL { lines = lines.indices.filter { lines.firstIndex(of: lines[$0]) == $0 }.map { lines[$0] } }
            if let control, !printURL { lines.append("control: \(control)\n") }
            try FileDescriptorOutput.write(Array(lines.joined().utf8), to: STDOUT_FILENO)
        }
    }

    private func writeReadyFile(_ instances: [Announced], _ control: String?) throws(EmulatorError) {
        guard let readyFile else { return }
        var members = [
            JSONMember("url", .string(instances[0].url)),
            JSONMember("instances", .array(instances.map(\.json))),
            JSONMember("pid", .integer(Int64(getpid()))),
        ]
        if let control { members.append(JSONMember("control", .string(control))) }
        let document = JSONValue.object(members)
        do throws(KernelError) {
            try WholeFile.write(Array((JSONEncoding.text(document) + "\n").utf8), to: readyFile)
        } catch {
            throw WholeFile.error(error, of: readyFile)
        }
    }

    func removeReadyFile() {
        if let readyFile { WholeFile.remove(readyFile) }
    }
}
