import Common
import Foundation
import Libvirt
import Logging
import TestSupport
import Testing

@testable import Commands
@testable import Guests
@testable import Server

/// Text that guests and operators of single domains wrote, where a person reads it.
struct CleanOutputTests {
    /// A terminal command in one byte pair, an override of direction, and characters that begin a line.
    private static let evil = "e\u{9B}31m\u{202E}x\u{1B}[2J\ny\u{2028}z\u{FEFF}"
    private static let cleaned = #"e\u{9B}31m\u{202E}x\u{1B}[2J\ny\u{2028}z\u{FEFF}"#

    /// Whether a text contains nothing that a terminal interprets.
    private func isClean(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0 == "\n" || ![.control, .format, .lineSeparator].contains($0.properties.generalCategory)
        }
    }

    // MARK: Logs

    private struct Shown: CustomStringConvertible {
        let description: String
    }

    /// The lines that a server would write.
    private func lines(_ log: (Logger) -> Void) -> [String] {
        let lines = Locked<[String]>([])
        log(
            Logger(label: "test") { label in
                LineLogHandler(label: label, form: .journal) { line in
                    lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                }
            })
        return lines.withLock { $0 }
    }

    @Test func `a log has no terminal sequences, in messages and all kinds of metadata`() throws {
        let evil = Self.evil
        let written = lines { logger in
            var logger = logger
            logger[metadataKey: "own"] = "kept"
            logger.info(
                "of \(evil)",
                metadata: [
                    "a": "\(evil)", "b": .stringConvertible(Shown(description: evil)), "c": ["d": "\(evil)"],
                    "e": ["\(evil)", "f"],
                ])
        }
        #expect(written.count == 1)
        let line = try #require(written.first)
        #expect(line.hasPrefix("<6>of \(Self.cleaned) a="), "\(line)")
        #expect(line.hasSuffix(" own=kept\n"), "\(line)")
        #expect(line.count { $0 == "\n" } == 1 && isClean(line), "\(line)")
    }

    @Test(arguments: [
        ("web", "web"), ("two words", #""two words""#), ("test:///node?socket=/run/x", "test:///node?socket=/run/x"),
        ("[::1]:80", "[::1]:80"), ("", #""""#), ("x bridge=br0", #""x bridge=br0""#),
        (#"x" y="z"#, #""x\" y=\"z""#), (#"a\ b=c"#, #""a\\ b=c""#), ("a\nb", #""a\\nb""#),
    ])
    func `a value that could be read as other fields is quoted`(value: String, shown: String) throws {
        #expect(lines { $0.warning("of", metadata: ["name": "\(value)"]) } == ["<4>of name=\(shown)\n"])
    }

    @Test(arguments: [
        ("web", true), ("db-2", true), ("2", false), ("+2", false), ("-02", false),
        ("6a9b1c2d-0000-4000-8000-000000000002", false),
        ("6A9B1C2D000040008000000000000002", false), ("two words", false), ("-", false), ("abc", true),
    ])
    func `a hint uses the UUID where virsh might take the name for another domain's`(name: String, isPlain: Bool) throws {
        let uuid = try #require(InstanceUUID("6a9b1c2d-0000-4000-8000-000000000001"))
        let domain = EditableDomain(uuid: uuid, name: name, running: nil, defined: nil)
        #expect(domain.commandWord == (isPlain ? name : "\(uuid)"))
    }

    @Test(arguments: [(0.5, "500 ms"), (-1.0, "0 µs"), (1e300, "11574074 d"), (-1e300, "0 µs"), (10_800.0, "3 h")])
    func `an age accepts any number`(seconds: Double, text: String) {
        #expect(Age.text(seconds) == text)
    }

    // MARK: Tables, differences, metrics

    @Test func `a table's cells are clean, and as wide as they look`() {
        let table = TextTable(["NAME", "STATE"], [[Self.evil, "off"], ["web", "running"]])
        let lines = table.text(on: Terminal(-1)).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 4 && lines.allSatisfy { isClean(String($0)) })
        #expect(lines[1] == "\(Self.cleaned)  off")
        #expect(lines[2] == "web" + String(repeating: " ", count: Self.cleaned.count - 3) + "  running")
    }

    @Test func `a difference keeps tabs and lines and nothing else`() {
        let difference = UnifiedDifference(from: "a\n\tb\u{9B}\nc\n", to: "a\n\tb\u{202E}\nc\u{1B}\n")
        #expect(
            difference.text(from: "web\u{9B}", to: "web", on: Terminal(-1))
                == #"""
                --- web\u{9B}
                +++ web
                @@ -1,3 +1,3 @@
                 a
                -	b\u{9B}
                -c
                +	b\u{202E}
                +c\u{1B}

                """#)
    }

    @Test func `a metric's labels are clean, and their quotation marks escaped whatever follows them`() {
        let registry = PrometheusRegistry()
        registry.sample("a", "Help \u{9B}.") { [.init(labels: [("host", "x\u{9B}\"\u{301}\\\u{20DD}\ny\r")], value: 1)] }
        #expect(
            registry.text == """
                # HELP a Help \\\\u{9B}.
                # TYPE a gauge
                a{host="x\\\\u{9B}\\\"\u{301}\\\\\u{20DD}\\ny\\\\u{D}"} 1

                """)
    }

    // MARK: Commands

    /// libvirt's test driver with one domain of that name, whose guest set that password.
    private func node(named name: String, password: String = "x") throws -> (uri: String, folder: URL) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "clean-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let domain = """
            <domain type='test'><name>\(name)</name><uuid>6a9b1c2d-0000-4000-8000-000000000001</uuid><memory>8192</memory><os><type>hvm\
            </type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'><hostname>\(name)</hostname><tags>\
            <tag name='\(name)'>\(password)</tag></tags><userdata>\(password)</userdata></instance></metadata></domain>
            """
        try Data(domain.utf8).write(to: folder.appending(path: "domain.xml"))
        try Data("<node><domain file='domain.xml'/></node>".utf8).write(to: folder.appending(path: "node.xml"))
        return ("test://\(folder.path)/node.xml", folder)
    }

    @Test func `commands show a domain's name and values clean, and errors too`() async throws {
        let (uri, folder) = try node(named: "ev\u{9B}31m\u{202E}gnp")
        defer { try? FileManager.default.removeItem(at: folder) }
        let list = try await Program.run("list", "--connect", uri)
        #expect(list.status == 0 && list.stdout.contains(#"ev\u{9B}31m\u{202E}gnp"#) && isClean(list.stdout), "\(list)")
        let name = "ev\u{9B}31m\u{202E}gnp"
        for command in [
            ["tree", name], ["check", name], ["check", name + "\u{9B}"], ["doctor", name], ["tree", name + "\n\u{1B}[2J"],
        ] {
            let output = try await Program.run(more: command + ["--connect", uri])
            #expect(isClean(output.stdout) && isClean(output.stderr), "\(command[0]): \(output)")
            // A tree has only those characters of the name that a host name may have, unless there is no such domain.
            #expect((output.stdout + output.stderr).contains(#"\u{9B}31m"#) || command == ["tree", name], "\(command)")
        }
        let edited = try await Program.run(
            "set", "6a9b1c2d-0000-4000-8000-000000000001", "hostname=www", "--dry-run", "--connect", uri)
        #expect(isClean(edited.stdout) && isClean(edited.stderr), "\(edited)")
        #expect(edited.stdout.contains(#"ev\u{9B}31m\u{202E}gnp"#), "\(edited)")
        // Programs get the bytes unchanged.
        let json = try await Program.run("list", "--json", "--connect", uri)
        let read = try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: [[String: Any]]]
        #expect(read?["domains"]?.first?["name"] as? String == name)
    }

    @Test func `output is unchanged into a pipe, and clean on a terminal`() async throws {
        let (uri, folder) = try node(named: "web", password: "a\u{9B}2J\tb\n")
        defer { try? FileManager.default.removeItem(at: folder) }
        let piped = try await Program.run("tree", "web", "--path", "/latest/user-data", "--connect", uri)
        #expect(piped.stdout == "a\u{9B}2J\tb\n")
        let shown = try await Program.shell(
            "script -qec \"'$virt_metadata' tree web --path /latest/user-data --connect '\(uri)'\" /dev/null < /dev/null")
        // The terminal makes two of a line feed.
        #expect(shown.stdout.replacing("\r\n", with: "\n") == "a\\u{9B}2J\tb\n", "\(shown)")
    }
}
