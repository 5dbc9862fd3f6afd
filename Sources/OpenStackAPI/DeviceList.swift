import Common

/// The devices with metadata, in Nova's form (`nova/objects/virt_device_metadata.py`).
///
/// Nova lists tagged devices, and later all network cards; this list also has disks with a serial number, by which Kubernetes'
/// OpenStack driver finds volumes.
func devices(of instance: Instance, in version: OpenStackVersion) -> [JSONValue] {
    let cards = instance.interfaces.compactMap { card($0, in: version) }
    let disks = instance.machine.disks.filter { !$0.tags.isEmpty || $0.serial != nil }.map(disk)
    let shares = version < .v2025_04_04 ? [] : instance.machine.shares.map(share)
    return cards + disks + shares
}

/// A card is listed if it has a tag, from 2017-02-22 on also if it is in a VLAN, and from 2018-08-27 on always.
private func card(_ interface: NetworkInterface, in version: OpenStackVersion) -> JSONValue? {
    let vlan = version < .v2017_02_22 ? nil : interface.vlan
    guard version >= .v2018_08_27 || vlan != nil || !interface.tags.isEmpty else { return nil }
    var members: [JSONMember] = []
    if let vlan { members.append(JSONMember("vlan", .integer(Int64(vlan)))) }
    if version >= .v2018_08_27 { members.append(JSONMember("vf_trusted", .bool(interface.isTrusted))) }
    members += [JSONMember("type", .string("nic")), JSONMember("mac", .string(interface.mac.description))]
    return .object(members + addressMembers(of: interface.device) + tags(interface.tags))
}

private func disk(_ disk: Disk) -> JSONValue {
    let names =
        disk.serial.map { [JSONMember("serial", .string($0))] }
        ?? [JSONMember("serial", .null), JSONMember("path", .string("/dev/" + disk.target))]
    return .object([JSONMember("type", .string("disk"))] + names + addressMembers(of: disk.device) + tags(disk.tags))
}

/// libvirt's only identifier of a share is its tag.
private func share(_ share: Share) -> JSONValue {
    .object(
        [
            JSONMember("type", .string("share")), JSONMember("share_id", .string(share.tag)),
            JSONMember("tag", .string(share.tag)),
        ] + addressMembers(of: DeviceAddress(.none)))
}

private func addressMembers(of device: DeviceAddress) -> [JSONMember] {
    [JSONMember("bus", .string(device.bus.rawValue)), JSONMember("address", .string(device.position ?? "none"))]
}

private func tags(_ tags: [String]) -> [JSONMember] {
    tags.isEmpty ? [] : [JSONMember("tags", .array(tags.map(JSONValue.string)))]
}
