import Common
import EC2API
import Inventory
import NoCloudAPI
import OpenStackAPI

/// A domain's XML, or its running and its edited one with a zero byte between, becomes an instance; then both trees are walked.
enum DomainTarget {
    static func run(_ input: [UInt8]) -> Int32 {
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
        guard let reader = try? InstanceAssembly(),
            let assembled = try? reader.assemble(parts[0], edited: parts.count == 2 ? parts[1] : nil)
        else { return 0 }
        let interface = assembled.instance.interfaces.isEmpty ? nil : 0
        let question = Question(
            about: assembled.instance, address: IPAddress(v4: 0xC000_0201), interface: interface,
            entropy: Entropy { _ in [1, 2, 3] })
        visit(Walk(through: EC2View(), from: TreePath([]), for: question))
        visit(Walk(through: OpenStackView(), from: TreePath(["openstack"]), for: question))
        visit(Walk(through: NoCloudView(), from: TreePath(["nocloud"]), for: question))
        return 0
    }

    private static func visit(_ walk: Walk) {
        for step in walk.steps where step.content == nil { fatalError("\(step.path) is listed and does not answer") }
    }
}
