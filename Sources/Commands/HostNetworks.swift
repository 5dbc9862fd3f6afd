import Common
import Description
import Doctor
import Libvirt

extension ActiveNetworks {
    /// What domains on these networks are assembled with.
    ///
    /// A network that libvirt cannot describe, or whose XML cannot be used, costs its guests' addresses, and no more: it is named on the
    /// standard error.
    func assembly(defaults: InstanceDefaults) -> InstanceAssembly {
        let (assembly, problems) = assembled(defaults: defaults)
        for (name, problem) in problems.sorted(by: { $0.key.text < $1.key.text }) {
            VirtMetadata.printError("virt-metadata: cannot read network '\(name)': \(problem)")
        }
        return assembly
    }
}
