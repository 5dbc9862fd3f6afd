import Foundation

/// A connection to a libvirtd that stays open, also where that hangs: the test driver's domains live as long as there is one.
package final class StandingConnection {
    private let virsh: RunningProgram
    private let input = Pipe()
    /// Kept, or virsh would end when it writes its next prompt.
    private let output = Pipe()

    /// Connects.
    /// - Throws: `Command.Failure` where nothing answers.
    package init(to uri: String) throws {
        virsh = try RunningProgram(
            ["virsh", "--quiet", "--keepalive-interval", "0", "--connect", uri], input: input, output: output.fileHandleForWriting
        )
        try? output.fileHandleForWriting.close()
        // Its answer to the first command says that it is connected.
        input.fileHandleForWriting.write(Data("uri\n".utf8))
        var heard = Data()
        while !heard.contains(Data(uri.prefix { $0 != "?" }.utf8)) || !heard.contains(UInt8(ascii: "\n")) {
            let part = output.fileHandleForReading.availableData
            guard !part.isEmpty else {
                let said = Command.Output(status: 1, stdout: String(decoding: heard, as: UTF8.self), stderr: "")
                throw Command.Failure.failed(arguments: ["virsh", "--connect", uri], output: said)
            }
            heard += part
        }
    }
}
