package import Common
package import Description
import FoundationEssentials
import Host
import Recording

/// What an emulated instance is read from: a domain's XML, a fixture folder, a recording, or nothing.
///
/// Files are read, and no hypervisor is asked. Values of an XML that cannot be used cost that value, as on a host.
package struct EmulatorSource: Sendable {
    /// The name of the domain, or of the recording's folder.
    package let name: String
    /// Of the domain; for a recording one in its place, which tokens belong to and nothing is read from.
    let instance: Instance
    let recording: Recording?
    /// The address that the guest asks from.
    let address: IPAddress
    /// Whether guests get session tokens: a recorded server may have had none.
    package var issuesTokens: Bool { recording.map { $0.tokens != .none } ?? true }
    /// What cannot be used, one line each, with the file.
    package let findings: [String]

    /// Reads the values for many domains from the bytes of a configuration file, whose path is for errors.
    package typealias ConfigurationReader = (_ file: String, _ bytes: [UInt8]) throws(EmulatorError) -> InstanceDefaults

    /// The longest XML of a domain or network, in bytes: as long as libvirt's.
    private static let longestXML = 16 << 20
    /// How long the first byte of a FIFO may take, in milliseconds: `<(ssh HOST virsh dumpxml NAME)` is one.
    private static let longestWait: Int32 = 10_000
    /// The most networks of a fixture folder.
    private static let mostNetworks = 256

    /// The built-in instance.
    package static func builtIn() throws(EmulatorError) -> EmulatorSource {
        try EmulatorSource(domain: BuiltInInstance.xml, from: "built-in instance")
    }

    /// Reads a file or folder.
    ///
    /// A folder is a fixture where it has a `domain.xml`: beside it may be `networks/NAME.xml`, `client` with the address of the
    /// guest, and `config.yaml` with values for many domains. Otherwise it is a recording. `-` is the standard input, with a domain's
    /// XML.
    ///
    /// - Parameter defaults: reads the values for many domains from a configuration file.
    /// - Throws: ``EmulatorError`` with the file and what to do.
    package init(
        reading path: String,
        defaults: ConfigurationReader = { file, _ throws(EmulatorError) in
            throw EmulatorError("\(file): no configuration file is read here")
        }
    ) throws(EmulatorError) {
        guard !path.hasPrefix("http://"), !path.hasPrefix("https://") else {
            throw EmulatorError(
                "\(path.cleaned()): expected a file or a folder: record the server with 'virt-metadata crawl URL -o FOLDER', and give "
                    + "FOLDER")
        }
        if let url = Self.url(meantBy: path) {
            throw EmulatorError(
                "\(path.cleaned()): no such file or folder; a URL begins with http://: '\(url.cleaned())', and is not a source of emulate: "
                    + "record the server first")
        }
        let isFolder = Self.isFolder(path)
        let domain = path + "/domain.xml"
        if isFolder, FileManager.default.fileExists(atPath: domain) {
            let networks = try Self.names(in: path + "/networks").map { name throws(EmulatorError) in
                try Self.bytes(of: "\(path)/networks/\(name)")
            }
            let client = "\(path)/client"
            let address = FileManager.default.fileExists(atPath: client) ? try Self.address(in: client) : nil
            let configuration = "\(path)/config.yaml"
            let values =
                FileManager.default.fileExists(atPath: configuration)
                ? try defaults(configuration, Self.bytes(of: configuration)) : InstanceDefaults()
            try self.init(
                domain: Self.bytes(of: domain), networks: networks, defaults: values, client: address, from: domain)
            return
        }
        guard isFolder || path.hasSuffix(".json") else {
            try self.init(domain: Self.bytes(of: path), from: path)
            return
        }
        let recording: Recording
        do throws(RecordingError) {
            recording = try RecordingFolder.read(path)
        } catch {
            guard isFolder, !RecordingFolder.isRecording(path) else { throw EmulatorError("\(error)") }
            throw EmulatorError("\(path): expected a folder with domain.xml or recording.json")
        }
        let standIn = try EmulatorSource(domain: BuiltInInstance.standIn, from: path)
        self.init(
            name: path.split(separator: "/").last.map(String.init) ?? path, instance: standIn.instance, recording: recording,
            address: standIn.address, findings: recording.omissions.map { "\(path): incomplete recording: \($0)" })
    }

    private init(name: String, instance: Instance, recording: Recording? = nil, address: IPAddress, findings: [String]) {
        (self.name, self.instance, self.recording, self.address) = (name, instance, recording, address)
        self.findings = findings
    }

    init(
        domain xml: [UInt8], networks: [[UInt8]] = [], defaults: InstanceDefaults = InstanceDefaults(), client: IPAddress? = nil,
        from file: String
    ) throws(EmulatorError) {
        do throws(DescriptionError) {
            let assembly = try InstanceAssembly(networks: networks, defaults: defaults)
            self.init(try assembly.assemble(xml), client: client, from: file)
        } catch {
            throw EmulatorError("\(file): invalid domain XML: \(error)")
        }
    }

    /// An instance that was assembled elsewhere, such as from a domain that a hypervisor has.
    ///
    /// - Parameters:
    ///   - client: the address of the guest; by default a known or likely one.
    ///   - place: where its XML is from, for findings.
    package init(_ assembled: InstanceAssembly.Assembled, client: IPAddress? = nil, from place: String) {
        let instance = assembled.instance
        self.init(
            name: instance.domainName, instance: instance,
            address: client ?? instance.knownAddress(.v4) ?? instance.knownAddress(.v6) ?? Self.likelyAddress(of: instance),
            findings: assembled.findings.filter { $0.weight == .unusable }.map { "\(place): \($0)" })
    }

    // MARK: Files

    /// The URL that is meant by an address with a port or path, where no file has this name; `nil` for other words.
    package static func url(meantBy word: String) -> String? {
        guard !word.contains("://"), !FileManager.default.fileExists(atPath: word) else { return nil }
        let host = word.prefix { $0 != "/" }
        var name = host[...]
        if host.first == "[", let close = host.firstIndex(of: "]") {
            name = host[host.index(after: host.startIndex)..<close]
        } else if let colon = host.firstIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
            name = host[..<colon]
        }
        guard name == "localhost" || IPAddress(String(name)) != nil else { return nil }
        // An IPv6 address of a URL is in brackets.
        return name == host && name.contains(":") ? "http://[\(name)]\(word.dropFirst(host.count))" : "http://\(word)"
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }

    private static func bytes(of path: String) throws(EmulatorError) -> [UInt8] {
        do throws(KernelError) {
            return try FileDescriptors.contents(
                of: path == "-" ? nil : path, mostBytes: longestXML, millisecondsToWriter: longestWait)
        } catch {
            guard error.code != .noWriter else {
                throw EmulatorError(
                    "\(path): a FIFO into which no program has written for \(longestWait / 1000) s: expected a file, or a FIFO with a "
                        + "writer")
            }
            throw EmulatorError("\(path): cannot be read: \(error.message)")
        }
    }

    private static func names(in folder: String) throws(EmulatorError) -> [String] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".xml") }
            .sorted()
        guard names.count <= mostNetworks else {
            throw EmulatorError("\(folder): \(names.count) networks: expected at most \(mostNetworks)")
        }
        return names
    }

    private static func address(in file: String) throws(EmulatorError) -> IPAddress {
        let text = String(decoding: try bytes(of: file), as: UTF8.self)
        guard let address = IPAddress(String(text.prefix { !$0.isNewline })) else {
            throw EmulatorError("\(file): expected the IP address of the guest")
        }
        return address
    }

    // MARK: Addresses

    /// The address of a guest of which nothing is known: of libvirt's network `default`, chosen by the MAC address.
    private static func likelyAddress(of instance: Instance) -> IPAddress {
        let last = instance.interfaces.first?.mac.octets.last ?? 0
        return IPAddress(v4: 0xC0A8_7A02 + UInt32(last) % 253)
    }
}

extension EmulatorSource {
    /// A source under another name, and with another address where one is given.
    package func named(_ name: String, address: IPAddress? = nil) -> EmulatorSource {
        EmulatorSource(
            name: name, instance: instance, recording: recording, address: address ?? self.address, findings: findings)
    }

    /// Gives each of several sources a name of its own: `web`, `web-2`, …
    package static func distinguishing(_ sources: [EmulatorSource]) -> [EmulatorSource] {
        var taken: Set<String> = []
        return sources.map { source in
            var (name, number) = (source.name, 1)
            while !taken.insert(name).inserted {
                number += 1
                name = "\(source.name)-\(number)"
            }
            return source.named(name)
        }
    }
}
