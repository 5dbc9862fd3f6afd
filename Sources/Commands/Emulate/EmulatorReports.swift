import ArgumentParser
import Common
import Emulator
import FoundationEssentials
import Glibc
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
    ///   - isAlone: whether the output is the emulator's own, and not a command's.
    func announce(_ instances: [(name: String, url: String)], isAlone: Bool) throws {
        if printURL || isAlone && !quiet {
            let lines = instances.map { printURL ? "\($0.url)\n" : "\($0.name.cleaned()): \($0.url)\n" }
            try FileDescriptorOutput.write(Array(lines.joined().utf8), to: STDOUT_FILENO)
        }
        guard let readyFile else { return }
        let document = JSONValue.object([
            JSONMember("url", .string(instances[0].url)),
            JSONMember(
                "instances",
                .array(
                    instances.map { instance in
                        .object([JSONMember("name", .string(instance.name)), JSONMember("url", .string(instance.url))])
                    })),
            JSONMember("pid", .integer(Int64(getpid()))),
        ])
        do {
            // All at once: whoever waits for the file reads all of it.
            try Data((JSONEncoding.text(document) + "\n").utf8).write(to: URL(filePath: readyFile), options: .atomic)
        } catch {
            throw EmulatorError("\(readyFile): cannot be written: \(error)")
        }
    }

    func removeReadyFile() {
        // Safe: unlink(2) reads the path up to its zero. It may be missing.
        if let readyFile { _ = unsafe unlink(readyFile) }
    }
}
