import Common

/// The keys as EC2 numbers them: `public-keys/` lists `0=name`, `public-keys/0/` the formats, and each format holds one key.
///
/// `0=name` is a label only: the place is `0`. Whoever reads it asks for `0/openssh-key`, and where that does not answer cloud-init
/// throws the whole tree away; so a key without that format is not shown here.
func publicKeys(of instance: Instance) -> Node? {
    let shown = instance.publicKeys.filter { $0.formats.contains { $0.name == "openssh-key" } }
    let keys = shown.enumerated().compactMap { number, key in
        Directory(key.formats.map { Directory.Member($0.name, .text($0.value)) }).map {
            Directory.Member(String(number), .directory($0), label: "\(number)=\(key.name)")
        }
    }
    return Directory(keys).map(Node.directory)
}
