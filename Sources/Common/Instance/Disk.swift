package struct Disk: Sendable, Equatable {
    /// The operator's role for a disk; a disk without a role is a volume.
    package enum Role: String, Sendable {
        case ephemeral, swap
    }

    /// The hypervisor's name for the disk in the guest, such as `vda`, without `/dev/`.
    package let target: String
    package let role: Role?
    /// Whether the guest boots from it.
    package let isRoot: Bool
    /// The serial number by which the guest identifies the disk.
    package var serial: String?
    package var device = DeviceAddress(.none)
    package var tags: [String] = []

    package init(target: String, role: Role?, isRoot: Bool) {
        (self.target, self.role, self.isRoot) = (target, role, isRoot)
    }
}
