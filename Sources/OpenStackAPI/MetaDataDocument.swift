import Common
import FoundationEssentials

/// `meta_data.json`: its fields in Nova's order, each from the version in which Nova introduced it.
let metaData = FieldDocument(
    "meta_data.json",
    [
        Field("uuid", since: .v2012_08_10) { .string($0.uuid.description) },
        Field("meta", since: .v2012_08_10) { instance in
            let tags = instance.documents.tags
            return tags.isEmpty ? nil : .object(tags.map { JSONMember($0.name, .string($0.value)) })
        },
        Field("files", since: .v2012_08_10) { instance in
            let files = instance.documents.files
            return files.isEmpty
                ? nil
                : .array(
                    files.indices.map { number in
                        .object([
                            JSONMember("path", .string(files[number].path)),
                            JSONMember("content_path", .string("/content/\(contentName(number))")),
                        ])
                    })
        },
        Field("public_keys", since: .v2012_08_10) { instance in
            let keys = loginKeys(of: instance)
            return keys.isEmpty ? nil : .object(keys.map { JSONMember($0.name, .string($0.data)) })
        },
        Field("keys", since: .v2012_08_10) { instance in
            let keys = loginKeys(of: instance)
            return keys.isEmpty
                ? nil
                : .array(
                    keys.map { key in
                        .object([
                            JSONMember("name", .string(key.name)), JSONMember("type", .string(key.type)),
                            JSONMember("data", .string(key.data)),
                        ])
                    })
        },
        Field("hostname", since: .v2012_08_10) { .string($0.hostname) },
        Field("name", since: .v2012_08_10) { .string($0.name) },
        Field("launch_index", since: .v2012_08_10) { .integer(Int64($0.launch.index)) },
        Field("availability_zone", since: .v2012_08_10) { $0.launch.availabilityZone.map(JSONValue.string) },
        Field("random_seed", since: .v2013_04_04, fresh: randomSeed),
        Field("project_id", since: .v2015_10_15) { $0.launch.project.map(JSONValue.string) },
        Field("devices", since: .v2016_06_30) { .array(devices(of: $0, in: $1)) },
        Field("dedicated_cpus", since: .v2020_10_14) { .array($0.machine.dedicatedProcessors.map { .integer(Int64($0)) }) },
    ])

/// The size of Nova's random seed.
private let randomSeedBytes = 512

/// The seed in base64, which needs no JSON escapes.
@Sendable private func randomSeed(from entropy: Entropy, to json: inout [UInt8]) {
    json.append(UInt8(ascii: "\""))
    json += Data(entropy.bytes(randomSeedBytes)).base64EncodedString().utf8
    json.append(UInt8(ascii: "\""))
}

private struct LoginKey {
    package let name, type, data: String
}

/// Each key once, in a format that OpenStack's clients support: `ssh` from `openssh-key`, else `x509`.
///
/// Keys with neither format are omitted.
private func loginKeys(of instance: Instance) -> [LoginKey] {
    instance.access.publicKeys.compactMap { key in
        for (format, type) in [("openssh-key", "ssh"), ("x509", "x509")] {
            if let data = key.formats.first(where: { $0.name == format })?.value {
                return LoginKey(name: key.name, type: type, data: data)
            }
        }
        return nil
    }
}
