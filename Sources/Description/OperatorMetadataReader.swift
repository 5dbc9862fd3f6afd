import Common
import FoundationEssentials
import JSON
import XML

/// Reads the operator's element, value by value.
struct OperatorMetadataReader {
    /// The namespace of its elements; `nil` in the older format without one.
    let namespace: String?
    /// Whether the element is told to many instances: it may name interfaces only by their network.
    var isShared = false

    mutating func read(_ instance: XMLElement, into metadata: inout OperatorMetadata) {
        if instance.name == Vocabulary.root { _ = reviewForm(of: instance, in: "", &metadata) }
        for element in known(instance, among: Vocabulary.elements, path: "", &metadata) {
            switch element.name {
            case "instance-id":
                metadata.id = line(element, &metadata)
                if let id = metadata.id, !id.hasPrefix("i-") {
                    note(element, "clients such as CirrOS wait for an instance-id that begins with 'i-'", &metadata)
                }
            case "name": metadata.name = line(element, &metadata)
            case "hostname": metadata.hostname = hostname(element, &metadata)
            case "instance-type": metadata.type = line(element, &metadata)
            case "image-id": metadata.images.image = line(element, &metadata)
            case "image-manifest-path": metadata.images.manifestPath = line(element, &metadata)
            case "kernel-id": metadata.images.kernel = line(element, &metadata)
            case "ramdisk-id": metadata.images.ramdisk = line(element, &metadata)
            case "reservation-id": metadata.images.reservation = line(element, &metadata)
            case "launch-index": metadata.launchIndex = number(element, &metadata)
            case "instance-action": metadata.action = line(element, &metadata)
            case "project-id": metadata.project = line(element, &metadata)
            case "owner-id": metadata.owner = line(element, &metadata)
            case "product-codes": metadata.images.productCodes = list(element, &metadata)
            case "ancestor-images": metadata.images.ancestors = list(element, &metadata)
            case "provider-id": metadata.provider = line(element, &metadata)
            case "profile": readProfile(element, into: &metadata)
            case "ec2-profile": metadata.documents.verbatim["profile"] = line(element, &metadata)
            case "iam": readRoles(element, into: &metadata)
            case "instance-life-cycle", "services", "events", "autoscaling", "spot":
                readVerbatim(element, path: "", into: &metadata)
            case "placement": metadata.placement = placement(element, &metadata)
            case "public-keys": metadata.access.publicKeys = publicKeys(element, &metadata)
            case "security-groups": metadata.access.securityGroups = list(element, &metadata)
            case "tags": metadata.documents.tags = tags(element, &metadata)
            case "userdata": readUserData(element, into: &metadata)
            case "vendordata":
                metadata.documents.vendorData = bytes(element, &metadata).flatMap { vendorData($0, element, &metadata) }
                metadata.vendorDataPlace = .init(line: element.line)
            case "network-config": readNetworkConfiguration(element, into: &metadata)
            case "files": metadata.documents.files = files(element, &metadata)
            case "additional": readAdditional(element, into: &metadata)
            case "interfaces" where isShared: readSharedInterfaces(element, into: &metadata)
            case "interfaces": readInterfaces(element, into: &metadata)
            case "disks": readDisks(element, into: &metadata)
            case "imds": metadata.sessions = sessions(element, &metadata)
            default: break
            }
            if LayeredValue.mergeable.contains(element.name) { readMerge(element, into: &metadata) }
        }
    }

    private func sessions(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> SessionPolicy {
        var policy = SessionPolicy()
        if let text = element.attribute("tokens") {
            policy.tokens = SessionPolicy.Tokens(rawValue: text)
            if policy.tokens == nil {
                reject(element, "invalid value '\(shown(text))' for tokens: expected optional or required", &metadata)
            }
        }
        if let text = element.attribute("hop-limit") {
            policy.hopLimit = Int(text).flatMap { (1...64).contains($0) ? $0 : nil }
            if policy.hopLimit == nil {
                reject(element, "invalid value '\(shown(text))' for hop-limit: expected an integer from 1 to 64", &metadata)
            }
        }
        if policy.tokens == .required {
            let problem =
                "requests without a token get 401, such as those of cloud-init's OpenStack and NoCloud datasources, cloudbase-init and CirrOS"
            note(element, problem, &metadata)
        }
        return policy
    }

    // MARK: Lists

    private func placement(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> [Tag] {
        children(of: element, path: "placement/", &metadata).compactMap { child in
            if child.name == "partition-number" {
                return number(child, path: "placement/", &metadata).map { Tag(child.name, String($0)) }
            }
            return line(child, path: "placement/", &metadata).map { Tag(child.name, $0) }
        }
    }

    private func publicKeys(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> [PublicKey] {
        var keys: [PublicKey] = []
        var taken: Set<String> = []
        for key in children(of: element, path: "public-keys/", &metadata) {
            guard let name = entryName(of: key, path: "public-keys/", taken: taken, &metadata) else { continue }
            let formats = formats(of: key, &metadata)
            if formats.isEmpty {
                reject(key, path: "public-keys/", "the public key '\(shown(name))' has no usable <key>", &metadata)
                continue
            }
            if !formats.contains(where: { $0.name == "openssh-key" }) {
                let showing = formats.contains { $0.name == "x509" } ? "only the OpenStack documents show" : "no path shows"
                note(
                    key, path: "public-keys/",
                    "\(showing) '\(shown(name))': EC2 clients expect every key to have the format openssh-key",
                    &metadata)
            }
            if name.unicodeScalars.contains(where: \.properties.isWhitespace) {
                let problem = "the name '\(shown(name))' has a space: shell scripts, such as Alpine's tiny-cloud, split it"
                note(key, path: "public-keys/", problem, &metadata)
            }
            taken.insert(name)
            keys.append(PublicKey(name: name, formats: formats))
        }
        return keys
    }

    private func formats(of key: XMLElement, _ metadata: inout OperatorMetadata) -> [Tag] {
        let path = "public-keys/public-key/"
        var taken: Set<String> = []
        return children(of: key, path: path, &metadata).compactMap { element in
            let format = element.attribute("format") ?? "openssh-key"
            let text = element.trimmedText
            if let reason = reasonAgainstEntryName(format) {
                reject(element, path: path, "the format '\(shown(format))' \(reason)", &metadata)
            } else if taken.contains(format) {
                reject(element, path: path, "duplicate format '\(shown(format))'; the first one is used", &metadata)
            } else if text.isEmpty {
                reject(element, path: path, "the key is empty", &metadata)
            } else if element.hasChildElements || element.hasCommentOrInstruction {
                reject(element, path: path, "contains elements or comments: expected the key alone", &metadata)
            } else if format == "openssh-key", text.unicodeScalars.contains(where: { $0.isControl && $0 != "\t" }) {
                reject(element, path: path, "an openssh-key must be one line; write a <public-key> for each key", &metadata)
            } else if format == "openssh-key", PublicKeyLine(text) == nil {
                reject(element, path: path, PublicKeyLine.expectation, &metadata)
            } else {
                if format == "openssh-key", PublicKeyLine(text)?.isComplete == false {
                    note(
                        element, path: path, "the base64 text is not a complete key of the given type: guests ignore it",
                        &metadata)
                }
                taken.insert(format)
                return Tag(format, text)
            }
            return nil
        }
    }

    /// The items of a list, each of one line.
    private func list(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> [String] {
        let path = element.name + "/"
        return children(of: element, path: path, &metadata).compactMap { line($0, path: path, &metadata) }
    }

    private func tags(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> [Tag] {
        var tags: [Tag] = []
        var taken: Set<String> = []
        for tag in children(of: element, path: "tags/", &metadata) {
            guard let name = tag.attribute("name") else {
                reject(tag, path: "tags/", "has no attribute 'name'", &metadata)
                continue
            }
            if let reason = reasonAgainstTagName(name) {
                reject(tag, path: "tags/", "the name '\(shown(name))' \(reason)", &metadata)
            } else if !taken.insert(name).inserted {
                reject(tag, path: "tags/", "duplicate name '\(shown(name))'; the first one is used", &metadata)
            } else {
                let read = Tag(name, tag.trimmedText)
                if read.readsAsKey {
                    let problem = "only the OpenStack documents show '\(shown(name))': EC2 clients would take it for a public key"
                    note(tag, path: "tags/", problem, &metadata)
                } else if !read.isListable {
                    let problem =
                        "the EC2 tree does not show '\(shown(name))', whose name cannot be a path there: only the OpenStack "
                        + "documents and the NoCloud seed do"
                    note(tag, path: "tags/", problem, &metadata)
                }
                tags.append(read)
            }
        }
        return tags
    }

    /// The files that the guest writes.
    private func files(_ element: XMLElement, _ metadata: inout OperatorMetadata) -> [InjectedFile] {
        var (files, taken): ([InjectedFile], Set<String>) = ([], [])
        for file in children(of: element, path: "files/", &metadata) {
            guard let path = file.attribute("path"), !path.isEmpty else {
                reject(file, path: "files/", "has no attribute 'path'", &metadata)
                continue
            }
            if path.unicodeScalars.contains(where: \.isControl) {
                reject(
                    file, path: "files/", "the path '\(shown(path))' contains a line break or another control character",
                    &metadata)
            } else if taken.contains(path) {
                reject(file, path: "files/", "duplicate path '\(shown(path))'; the first one is used", &metadata)
            } else if files.count == Self.mostFiles {
                reject(file, path: "files/", "more than \(Self.mostFiles) files; the first \(Self.mostFiles) are used", &metadata)
            } else if let content = bytes(file, path: "files/", mayBeEmpty: true, &metadata) {
                files.append(InjectedFile(path: path, content: content))
                taken.insert(path)
            }
        }
        return files
    }

    /// The files have numbers of four digits.
    private static let mostFiles = 10_000

    // MARK: Devices

    private func readDisks(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        for disk in children(of: element, path: "disks/", &metadata) {
            guard let target = disk.attribute("target"), !target.isEmpty else {
                reject(disk, path: "disks/", "has no attribute 'target'", &metadata)
                continue
            }
            guard metadata.disks[target] == nil else {
                reject(disk, path: "disks/", "duplicate target '\(shown(target))'; the first one is used", &metadata)
                continue
            }
            var values = OperatorMetadata.DiskElement(line: disk.line)
            let path = "disks/disk/"
            let children = children(of: disk, path: path, &metadata)
            let role = disk.attribute("role") ?? children.first { $0.name == "role" }?.trimmedText
            if let role {
                values.role = Disk.Role(rawValue: role)
                if values.role == nil {
                    reject(disk, path: "disks/", "invalid role '\(shown(role))': expected ephemeral or swap", &metadata)
                }
            }
            values.tags = children.filter { $0.name == "tag" }.compactMap { line($0, path: path, &metadata) }
            metadata.disks[target] = values
        }
    }
}
