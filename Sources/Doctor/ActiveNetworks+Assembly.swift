package import Common
package import Description
package import Libvirt

extension ActiveNetworks {
    /// What domains on these networks are assembled with, and why the other networks are left out: libvirt cannot describe them, or their XML
    /// cannot be used.
    package func assembled(
        defaults: InstanceDefaults
    ) -> (assembly: InstanceAssembly, unreadable: [LibvirtName: String]) {
        let (assembly, unusable) = InstanceAssembly.reading(documents, defaults: defaults)
        return (assembly, unreadable.mapValues(\.message).merging(unusable.mapValues { "\($0)" }) { first, _ in first })
    }
}
