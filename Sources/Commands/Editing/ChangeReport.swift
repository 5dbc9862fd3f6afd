import Common
import Configuration
import Glibc
import JSON

/// What a command did with one domain: printed at once as text, or collected for programs.
struct ChangeReport {
    /// The name, or the argument where no domain has it.
    private let domain: String
    private let uuid: InstanceUUID?
    private let options: ChangeOptions
    private var diff = ""
    private var notes: [String] = []
    private var isRestarted = false
    /// Whether the domain was changed; of a dry run, whether it would be.
    var isChanged = false
    /// Whether the running guest sees a part of the definition only after a restart of the domain.
    var needsRestart = false
    private(set) var error: String?

    init(_ domain: String, uuid: InstanceUUID? = nil, _ options: ChangeOptions) {
        (self.domain, self.uuid, self.options) = (domain, uuid, options)
    }

    var json: JSONValue {
        .object([
            JSONMember("domain", .string(domain)), JSONMember("uuid", uuid.map { .string("\($0)") } ?? .null),
            JSONMember("changed", .bool(isChanged)), JSONMember("diff", options.noDiff ? .null : .string(diff)),
            JSONMember("needs_restart", .bool(needsRestart)), JSONMember("restarted", .bool(isRestarted)),
            JSONMember("notes", .array(notes.map(JSONValue.string))), JSONMember("error", error.map(JSONValue.string) ?? .null),
        ])
    }

    /// A sentence that the operator should know besides the result.
    mutating func note(_ sentence: String) {
        notes.append(sentence)
        status(sentence)
    }

    /// A sentence on the progress, which programs see in other members.
    func status(_ sentence: String) {
        if options.printsText { VirtMetadata.printError("\(domain): \(sentence)") }
    }

    /// A difference, before the change is made.
    mutating func show(_ difference: UnifiedDifference, from: String, to: String) throws(CommandFailure) {
        diff += difference.text(from: from, to: to, on: Terminal(-1))
        guard options.printsText, !options.noDiff else { return }
        let text = difference.text(from: from, to: to, on: Terminal(STDOUT_FILENO))
        try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    mutating func restarted() {
        (isRestarted, needsRestart) = (true, false)
    }

    /// Records an error of this domain, and prints it.
    mutating func fail(_ error: String) {
        self.error = error
        VirtMetadata.printError("virt-metadata: \(uuid == nil ? "" : "\(domain): ")\(error)")
    }
}
