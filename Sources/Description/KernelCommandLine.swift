import XML

/// The command line of a kernel that QEMU boots directly, as far as it chooses cloud-init's datasource.
package struct KernelCommandLine: Sendable, Equatable {
    private let words: [Substring]

    /// - Parameter domain: the root element of a domain's XML.
    init(_ domain: XMLElement) {
        let text = domain.first("os", "cmdline")?.text ?? QEMUArguments(domain).arguments(of: "append").last ?? ""
        words = text.split(whereSeparator: \.isWhitespace)
    }

    /// The words that make cloud-init request NoCloud's files from this program.
    ///
    /// - Parameter version: older ones use the network only with `nocloud-net`, which later ones understand too.
    package static func advice(for version: DatasourceDetection.Version = .newer) -> String {
        SMBIOSIdentity.serial(version == .newer ? .nocloud : .nocloudNet)
    }

    /// Whether cloud-init does not run.
    package var disablesCloudInit: Bool { words.contains("cloud-init=disabled") }

    func contains(_ word: String) -> Bool { words.contains { $0 == word } }

    /// The datasource that `ds-identify` takes without a search, as it is written.
    package func datasource(for version: DatasourceDetection.Version) -> String? {
        let names = version == .newer ? ["ds", "ci.ds", "ci.datasource"] : ["ci.ds", "ci.datasource"]
        let given = words.compactMap { word -> Substring? in
            guard let sign = word.firstIndex(of: "="), names.contains(String(word[..<sign])) else { return nil }
            let value = word[word.index(after: sign)...]
            return version == .newer ? value.prefix { $0 != ";" } : value
        }
        return given.last.flatMap { $0.isEmpty ? nil : String($0) }
    }

    /// The seed of NoCloud.
    var seed: NoCloudSeed? { NoCloudSeed(words) }

    /// Whether a word begins with `ds=nocloud`.
    var namesNoCloud: Bool { words.contains { $0.hasPrefix("ds=nocloud") } }
}

/// What NoCloud reads from the kernel's command line or the SMBIOS serial number: `ds=nocloud;s=URL`.
struct NoCloudSeed: Sendable, Equatable {
    /// Where the files are; empty where none is named.
    let url: String
    /// Whether the name is `nocloud-net`.
    let isNet: Bool

    /// - Returns: `nil` where the words do not name NoCloud.
    init?(_ words: [Substring]) {
        guard let word = words.last(where: { ["ds=nocloud", "ds=nocloud-net"].contains($0.prefix { $0 != ";" }) }) else {
            return nil
        }
        let fields = word.split(separator: ";").dropFirst()
        let field = fields.last { $0.hasPrefix("s=") || $0.hasPrefix("seedfrom=") } ?? ""
        url = String(field.drop { $0 != "=" }.dropFirst())
        isNet = word.hasPrefix("ds=nocloud-net")
    }
}
