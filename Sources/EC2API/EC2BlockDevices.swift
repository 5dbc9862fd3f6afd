import Common

/// The block device mapping: `ami` and `root` name the boot disk, `swap` and `ephemeralN` the disks with that role, and `ebsN`
/// the others in the order of their names.
///
/// Only `ami` lacks `/dev/`: Nova writes the mapping in this form, and clients expect it.
func blockDeviceMapping(of instance: Instance) -> Node? {
    var mapping: [(name: String, device: String)] = []
    if let root = instance.machine.disks.first(where: \.isRoot) {
        mapping = [("ami", root.target), ("root", "/dev/" + root.target)]
    }
    let others = instance.machine.disks.filter { !$0.isRoot }
    mapping += others.filter { $0.role == .ephemeral }.enumerated().map { ("ephemeral\($0)", "/dev/" + $1.target) }
    mapping += others.last { $0.role == .swap }.map { [("swap", "/dev/" + $0.target)] } ?? []
    let volumes = others.filter { $0.role == nil }.sorted {
        ($0.target.utf8.count, $0.target) < ($1.target.utf8.count, $1.target)
    }
    mapping += volumes.enumerated().map { ("ebs\($0)", "/dev/" + $1.target) }
    return Directory(mapping.sorted { $0.name < $1.name }.map { Directory.Member($0.name, .text($0.device)) }).map(Node.directory)
}
