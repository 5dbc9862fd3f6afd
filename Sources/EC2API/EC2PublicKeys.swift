import Common

/// The keys as EC2 numbers them: `public-keys/` lists `0=name`, `public-keys/0/` the formats, and each format holds one key.
///
/// `0=name` is a label only: the place is `0`.
func publicKeys(of instance: Instance) -> Node? {
    let keys = instance.publicKeys.enumerated().compactMap { number, key in
        Directory(key.formats.map { Directory.Member($0.name, .text($0.value)) }).map {
            Directory.Member(String(number), .directory($0), label: "\(number)=\(key.name)")
        }
    }
    return Directory(keys).map(Node.directory)
}
