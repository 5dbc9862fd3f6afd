import ArgumentParser
import Common
import Emulator
import Glibc
import Host
import JSON

/// What `emulate` tells, and where.
struct EmulatorReports: ParsableArguments {
    @Flag(help: "Print the URL of each instance, and nothing else.")
    var printURL = false

    @Option(
        help: ArgumentHelp(
            "Write a JSON object with url, instances and pid to this file, once the emulator answers.", valueName: "file"),
        completion: .file())
    var readyFile: String?

    @Option(
        help: ArgumentHelp("Write a line of JSON for each request to this file.", valueName: "file"), completion: .file())
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
        // One of an earlier run must not be taken for this run's.
        removeReadyFile()
        return try accessLog.map { path throws(EmulatorError) in try AccessLogFile(path) }
    }

    /// - Parameters:
    ///   - instances: the name and the URL of each.
    ///   - control: the URL of the control socket.
    ///   - isAlone: whether the output is the emulator's own, and not a command's.
    func announce(_ instances: [(name: String, url: String)], control: String?, isAlone: Bool) throws {
        try writeReadyFile(instances, control)
        if printURL || isAlone && !quiet {
            var lines = instances.map { printURL ? "\($0.url)\n" : "\($0.name.cleaned()): \($0.url)\n" }
            if let control, !printURL { lines.append("control: \(control)\n") }
            try FileDescriptorOutput.write(Array(lines.joined().utf8), to: STDOUT_FILENO)
        }
    }

    private func writeReadyFile(_ instances: [(name: String, url: String)], _ control: String?) throws(EmulatorError) {
        guard let readyFile else { return }
        var members = [
            JSONMember("url", .string(instances[0].url)),
            JSONMember(
                "instances",
                .array(
                    instances.map { instance in
                        .object([JSONMember("name", .string(instance.name)), JSONMember("url", .string(instance.url))])
                    })),
            JSONMember("pid", .integer(Int64(getpid()))),
        ]
        if let control { members.append(JSONMember("control", .string(control))) }
        let document = JSONValue.object(members)
        do throws(KernelError) {
            try Self.write(Array((JSONEncoding.text(document) + "\n").utf8), to: readyFile)
        } catch {
            throw EmulatorError("\(readyFile): cannot be written: \(error.message)")
        }
    }

    /// Writes a file all at once: whoever waits for it reads all of it.
    private static func write(_ bytes: [UInt8], to path: String) throws(KernelError) {
        let new = "\(path).new"
        // Safe: open(2), rename(2) and unlink(2) read the paths up to their zeros.
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        try FileDescriptors.write(bytes, to: descriptor)
        guard unsafe rename(new, path) == 0 else {
            let error = KernelError.last(in: "rename")
            _ = unsafe unlink(new)
            throw error
        }
    }

    func removeReadyFile() {
        // Safe: unlink(2) reads the path up to its zero. It may be missing.
        if let readyFile { _ = unsafe unlink(readyFile) }
    }
}
