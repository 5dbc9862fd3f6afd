import NIOCore

@testable import Server

/// The text of a configuration file: it is a configuration that can be used, or refused in one line that names the file.
enum ConfigurationTarget {
    private static let file = "config.yaml"

    static func run(_ input: [UInt8]) -> Int32 {
        do throws(ConfigurationError) {
            var configuration = Configuration()
            try configuration.read(input, of: file)
            use(configuration)
        } catch {
            check(error)
        }
        return 0
    }

    private static func check(_ error: ConfigurationError) {
        guard error.place.hasPrefix(file), !error.problem.isEmpty, !error.description.utf8.contains(UInt8(ascii: "\n")) else {
            fatalError("the error names no place, or not in one line: \(error)")
        }
    }

    /// What is computed from settings at the start.
    private static func use(_ configuration: Configuration) {
        let limits = configuration.limits
        let times = [limits.requestTimeout, limits.idleTimeout, limits.holdTimeout, configuration.sweepInterval]
        guard !configuration.connect.isEmpty, Wiring.mostFiles(configuration) > limits.connections,
            times.allSatisfy({ ConnectionTable.ticks($0) > 0 })
        else { fatalError("this cannot be used: \(configuration)") }
        // Which bridges there are is said or refused.
        _ = try? configuration.followsBridges()
        let allowance = Allowance(limits.rates)
        guard allowance.takeRequest(at: .now()) == nil else { fatalError("not even one request may be asked: \(limits.rates)") }
        allowance.takeBytes(1 << 32, at: .now())
        _ = allowance.takeRequest(at: .now())
    }
}
