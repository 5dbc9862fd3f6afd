import ArgumentParser
import Foundation
import Testing

@testable import Commands
@testable import Configuration

/// Loads configurations from all sources, as `serve` does.
enum Loading {
    /// The loaded configuration as text without the sources of the values, because there is no other way to compare all of it.
    static func text(yaml: String = "", environment: [String: String] = [:], flags: [String] = []) throws -> String {
        text(of: try configuration(yaml: yaml, environment: environment, flags: flags))
    }

    static func text(of configuration: Configuration) -> String {
        var text = ""
        for child in Mirror(reflecting: configuration).children where child.label != "sources" {
            dump(child.value, to: &text, name: child.label)
        }
        return text
    }

    static func configuration(
        yaml: String = "", environment: [String: String] = [:], flags: [String] = []
    ) throws -> Configuration {
        let path = try file(yaml)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try Configuration.load(file: path, environment: environment, flags: values(flags))
    }

    static func report(
        yaml: String = "", environment: [String: String] = [:], flags: [String] = []
    ) throws -> ConfigurationReport {
        let path = try file(yaml)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return Configuration.report(file: path, environment: environment, flags: try values(flags))
    }

    private static func values(_ flags: [String]) throws -> [GivenFlag] {
        // Parsing takes the parser a third of a second even without flags.
        flags.isEmpty ? [] : try SettingsOptions<AllSettings>.parse(flags).values
    }

    static func file(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-config.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// Expects an error with this text, whatever folder the file is in.
    static func expect<Value>(
        _ sentence: String, sourceLocation: SourceLocation = #_sourceLocation, of load: () throws -> Value
    ) {
        do {
            _ = try load()
            Issue.record("no error", sourceLocation: sourceLocation)
        } catch {
            #expect("\(error)".hasSuffix(sentence) && error is ConfigurationError, "\(error)", sourceLocation: sourceLocation)
        }
    }
}

extension Setting: CustomTestStringConvertible {
    /// The setting's name.
    public var testDescription: String { name }
}
