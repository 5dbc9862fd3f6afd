import ArgumentParser
import Configuration
import FoundationEssentials
import Glibc
import Libvirt

extension CompletionKind {
    /// The names of the hypervisors' domains. Where they cannot be listed at once, there are none.
    static let domains = CompletionKind.custom { words, _, prefix in
        // fish passes `--domain=NAME` as one word, and offers it with the option.
        DomainNames.matching(CommandLineOption(prefix).value ?? prefix, for: words)
    }

    /// Files, and the names of domains.
    static let filesAndDomains = CompletionKind.custom { words, _, prefix in
        DomainNames.matching(prefix, for: words) + DomainNames.files(prefix)
    }

    /// The names of domains, or files where `--xml` is given.
    static let domainsOrXML = CompletionKind.custom { words, _, prefix in
        words.contains("--xml") ? DomainNames.files(prefix) : DomainNames.matching(prefix, for: words)
    }
}

/// The names of domains for a shell's completion.
enum DomainNames {
    /// How long a person waits for the shell, in seconds.
    private static let patience: UInt32 = 3

    static func matching(_ prefix: String, for words: [String]) -> [String] {
        // A hypervisor that does not answer must not stop the shell, and libvirt's calls cannot be cancelled.
        _ = signal(SIGALRM) { _ in _exit(0) }
        alarm(patience)
        let environment = ProcessInfo.processInfo.environment
        let flags = uris(in: words).isEmpty ? [] : [(name: "connect", values: uris(in: words))]
        let configuration = try? Configuration.load(
            file: value(of: ["--config-file"], in: words), environment: environment, flags: flags, usesLibvirtVariables: true)
        var names: Set<String> = []
        // ssh may ask for a password, on the terminal where the operator types.
        for uri in configuration?.connect ?? [] where !uri.contains("+ssh") { names.formUnion((try? domainNames(at: uri)) ?? []) }
        return names.filter { $0.hasPrefix(prefix) }.sorted()
    }

    static func files(_ prefix: String) -> [String] {
        let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
        return names.filter { !$0.hasPrefix(".") }.map { folder + $0 }.filter { $0.hasPrefix(prefix) }.sorted()
    }

    private static func uris(in words: [String]) -> [String] {
        value(of: ["-c", "--connect"], in: words).map { [$0] } ?? []
    }

    /// The value of an option on an unfinished command line.
    private static func value(of names: Set<String>, in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if names.contains(word), index + 1 < words.count { return unquoted(words[index + 1]) }
            if let name = names.first(where: { $0.hasPrefix("--") && word.hasPrefix($0 + "=") }) {
                return unquoted(String(word.dropFirst(name.count + 1)))
            }
        }
        return nil
    }

    /// The shell passes words as they were typed.
    private static func unquoted(_ word: String) -> String {
        guard let quote = word.first, quote == "'" || quote == "\"", word.count > 1, word.last == quote else { return word }
        return String(word.dropFirst().dropLast())
    }
}
