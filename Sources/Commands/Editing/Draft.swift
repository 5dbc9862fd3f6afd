import Common
import Configuration
import FoundationEssentials
import Host
import Libvirt

/// A file for an editor, which no other user can read: there may be secrets in it. Each domain has one, so that a draft that could not
/// be used is found again.
struct Draft {
    private static let longest = 4 << 20

    let path: String
    /// Where an earlier draft is moved to.
    private var aside: String { path + "~" }
    private var isEarlierMoved = false

    /// - Throws: `CommandFailure` where its directory cannot be created.
    init(of domain: EditableDomain) throws(CommandFailure) {
        let environment = ProcessInfo.processInfo.environment
        // Anybody can make a directory in /tmp first, and exchange the draft in it.
        guard
            let state = environment["XDG_STATE_HOME"].flatMap({ $0.hasPrefix("/") ? $0 : nil })
                ?? environment["HOME"].flatMap({ $0.hasPrefix("/") ? $0 + "/.local/state" : nil })
        else { throw CommandFailure("no directory for a draft: set HOME or XDG_STATE_HOME to an absolute path") }
        do {
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure("cannot create the directory \(state) for a draft: set XDG_STATE_HOME to another one")
        }
        path = "\(state)/virt-metadata/\(domain.uuid).xml"
    }

    /// A clause that tells where it is.
    var isKept: String { "the draft is kept in \(path); the next edit in a terminal offers it" }

    /// Writes the text, or keeps an earlier draft if the operator continues from it.
    ///
    /// - Throws: `CommandFailure` where the file cannot be written, and where the operator chooses neither.
    mutating func begin(with text: String, report: ChangeReport) throws {
        let file = PrivateFile(path: path)
        do {
            if let old = try file.read(mostBytes: Self.longest) {
                if try continues(from: old.bytes, unlike: text, report) { return }
                remove()
            }
            try file.create(Array(text.utf8))
        } catch let error as KernelError {
            throw CommandFailure("cannot write the draft \(path): \(error.message)")
        }
    }

    /// Asks whether to continue from an earlier draft; without a terminal it is renamed.
    private mutating func continues(from old: [UInt8], unlike text: String, _ report: ChangeReport) throws -> Bool {
        guard !old.elementsEqual(text.utf8) else { return false }
        guard Prompt.isPossible else {
            try? FileManager.default.removeItem(atPath: aside)
            try? FileManager.default.moveItem(atPath: path, toPath: aside)
            isEarlierMoved = true
            report.status("the draft of an earlier edit was moved to \(aside)")
            return false
        }
        switch Prompt.letter("An earlier draft is in \(path). [c]ontinue from it or [d]iscard it?") {
        case "c": return true
        case "d": return false
        default: throw CommandFailure("no changes made; \(isKept)")
        }
    }

    /// Opens the editor, and returns the text.
    ///
    /// - Throws: `CommandFailure` where the editor cannot be run or fails.
    func edited() throws(CommandFailure) -> String {
        let before = try? DomainSource.bytes(of: path)
        let environment = ProcessInfo.processInfo.environment
        let line = ["VISUAL", "EDITOR"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "vi"
        let status: Int32
        do throws(KernelError) {
            status = try Shell.run(line, argument: path)
        } catch {
            throw CommandFailure("cannot run the editor '\(line)': \(error.message)")
        }
        let after = try DomainSource.bytes(of: path, mostBytes: Self.longest)
        guard status == 0 else {
            if before == after { remove() }
            throw CommandFailure(
                "the editor '\(line)' exited with status \(status); no changes made\(before == after ? "" : "; \(isKept)")")
        }
        guard let text = String(validating: after, as: UTF8.self) else {
            throw CommandFailure("the editor did not save UTF-8 text; no changes made; \(isKept)")
        }
        return text
    }

    /// Removes the draft, which has been written, and one of an earlier edit, unless this edit moved that aside.
    func finish() {
        remove()
        if !isEarlierMoved { try? FileManager.default.removeItem(atPath: aside) }
    }

    func remove() {
        // A file left over is only untidy.
        try? FileManager.default.removeItem(atPath: path)
    }
}
