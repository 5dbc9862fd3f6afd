import Common

/// The keys as EC2 numbers them: `public-keys/` lists `0=name`, `public-keys/0/` the formats, and each format holds one key.
///
/// `0=name` is only a label: the path is `0`. Clients that read the label request `0/openssh-key`, and if that returns 404
/// cloud-init discards the whole tree; so keys without that format are omitted.
func publicKeys(of instance: Instance) -> Node? {
    let shown = instance.access.publicKeys.filter { $0.formats.contains { $0.name == "openssh-key" } }
    let keys = shown.enumerated().compactMap { number, key in
        Directory(key.formats.map { Directory.Member($0.name, .text($0.value)) }).map {
            Directory.Member(String(number), .directory($0), label: "\(number)=\(key.name)")
        }
    }
    return Directory(keys).map(Node.directory)
}
