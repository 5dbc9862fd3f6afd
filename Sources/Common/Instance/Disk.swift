/// One disk of an instance.
public struct Disk: Sendable, Equatable {
    /// What the operator says a disk is for; a disk without a role is a volume.
    public enum Role: String, Sendable {
        case ephemeral, swap
    }

    /// The name the hypervisor gives it in the guest, such as `vda`, without `/dev/`.
    public let target: String
    /// What it is for, if the operator said.
    public let role: Role?
    /// Whether the guest boots from it.
    public let isRoot: Bool
    /// The number by which the guest can tell it from others.
    public var serial: String?
    /// Where it is plugged into the guest's machine.
    public var device = DeviceAddress(.none)
    /// The operator's labels for it.
    public var tags: [String] = []

    /// A disk of which only this is known.
    public init(target: String, role: Role?, isRoot: Bool) {
        (self.target, self.role, self.isRoot) = (target, role, isRoot)
    }
}
