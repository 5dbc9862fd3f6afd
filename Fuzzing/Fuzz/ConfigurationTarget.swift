import NIOCore

@testable import Configuration
@testable import Guests
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
        guard error.location?.hasPrefix(file) == true, !error.problem.isEmpty,
            !error.description.utf8.contains(UInt8(ascii: "\n"))
        else {
            fatalError("the error names no place, or not in one line: \(error)")
        }
    }

    /// What is computed from settings at the start.
    private static func use(_ configuration: Configuration) {
        let limits = configuration.limits
        let times = [limits.requestTimeout, limits.idleTimeout, limits.holdTimeout, configuration.sweepInterval]
        // Which bridges there are, and so how many files it takes, is said or refused.
        let files = try? Wiring.mostFiles(configuration)
        guard !configuration.connect.isEmpty, files.map({ $0 > limits.connections }) ?? true,
            times.allSatisfy({ Tick.count(in: $0) > 0 })
        else { fatalError("this cannot be used: \(configuration)") }
        let rateLimit = RateLimit(limits.rates)
        guard rateLimit.takeRequest(at: .now()) == nil else { fatalError("not even one request may be asked: \(limits.rates)") }
        rateLimit.takeBytes(1 << 32, at: .now())
        _ = rateLimit.takeRequest(at: .now())
    }
}
