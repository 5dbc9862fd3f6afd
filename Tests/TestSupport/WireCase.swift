import Foundation
import Testing

/// One connection of `fixtures/wire`, whose `README.md` explains the format.
package struct WireCase: Sendable, CustomTestStringConvertible {
    package enum Step: Sendable {
        case sends([UInt8])
        case gets([UInt8])
        case halfCloses, ends, goesOn
    }

    package struct Malformed: Error {
        package let line: Substring
    }

    package let name: String
    /// The address that it asks from; `nil` for the guest itself.
    package private(set) var guest: String?
    private var steps: [Step] = []

    package var testDescription: String { name }

    package static func all() throws -> [WireCase] {
        let folder = URL(filePath: #filePath).appending(path: "../../../fixtures/wire").standardized
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "txt" }
            .sorted { $0.path < $1.path }
            .map { try WireCase($0.deletingPathExtension().lastPathComponent, String(contentsOf: $0, encoding: .utf8)) }
    }

    private init(_ name: String, _ text: String) throws {
        self.name = name
        for line in text.split(separator: "\n") {
            switch (line.prefix(2), line) {
            case ("# ", _): continue
            case ("fr", _): guest = String(line.dropFirst(5))
            case ("> ", _): add(try Self.bytes(of: line), isSent: true)
            case ("< ", _): add(try Self.bytes(of: line), isSent: false)
            case (_, "ends"): steps.append(.ends)
            case (_, "goes on"): steps.append(.goesOn)
            case (_, "half-closes"): steps.append(.halfCloses)
            default: throw Malformed(line: line)
            }
        }
    }

    private mutating func add(_ bytes: [UInt8], isSent: Bool) {
        switch (isSent, steps.last) {
        case (true, .sends(let before)): steps[steps.count - 1] = .sends(before + bytes)
        case (false, .gets(let before)): steps[steps.count - 1] = .gets(before + bytes)
        default: steps.append(isSent ? .sends(bytes) : .gets(bytes))
        }
    }

    private static func bytes(of line: Substring) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = line.dropFirst(2)
        while let character = rest.popFirst() {
            guard character == "\\" else {
                bytes += Array(character.utf8)
                continue
            }
            switch rest.popFirst() {
            case "r": bytes.append(13)
            case "n": bytes.append(10)
            case "t": bytes.append(9)
            case "\\": bytes.append(UInt8(ascii: "\\"))
            case "x":
                guard let byte = UInt8(rest.prefix(2), radix: 16) else { throw Malformed(line: line) }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: throw Malformed(line: line)
            }
        }
        return bytes
    }

    // MARK: Playing

    /// Plays it over a connection, and records where it gets other bytes.
    package func play(over connection: RawConnection) async throws {
        for step in steps {
            switch step {
            case .sends(let bytes): try await connection.send(bytes)
            case .gets(let expected):
                let got = try await Self.receive(expected.count, over: connection)
                try #require(got == expected, "got \(String(decoding: got, as: UTF8.self).debugDescription)")
            case .halfCloses: connection.endSending()
            case .ends: #expect(await connection.isEnded())
            case .goesOn:
                try await connection.send("GET / HTTP/1.1\r\n\r\n")
                #expect(try await connection.reply().status == 200)
            }
        }
    }

    /// As many bytes, with their dates masked; fewer where the connection ends.
    private static func receive(_ count: Int, over connection: RawConnection) async throws -> [UInt8] {
        var got: [UInt8] = []
        while masked(got).count < count {
            let some = try await connection.receive()
            guard !some.isEmpty else { break }
            got += some
        }
        return masked(got)
    }

    private static func masked(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        return Array(
            text.replacing(#/\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/#, with: "\r\nDate: *\r\n")
                .utf8)
    }
}
