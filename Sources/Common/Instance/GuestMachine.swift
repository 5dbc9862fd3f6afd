/// The virtual machine of an instance, except its network.
package struct GuestMachine: Sendable, Equatable {
    package var platform = Platform()
    /// The numbers of the processors that are pinned to a host processor of their own, from 0, ascending.
    package var dedicatedProcessors: [Int] = []
    /// The disks, in the order of the domain's XML.
    package var disks: [Disk] = []
    /// The host directories that the guest can mount, in the order of the domain's XML.
    package var shares: [Share] = []

    package init() {}
}

/// The type of machine that the hypervisor presents, with libvirt's names.
package struct Platform: Sendable, Equatable {
    /// The processor architecture, such as `x86_64` or `aarch64`.
    package var architecture: String?
    /// The type of virtualization, usually `hvm`.
    package var virtualization: String?
    /// The hypervisor, such as `kvm`.
    package var hypervisor: String?

    package init() {}
}

/// A host directory that the guest can mount.
package struct Share: Sendable, Equatable {
    /// The mount tag.
    package let tag: String

    package init(tag: String) {
        self.tag = tag
    }
}
