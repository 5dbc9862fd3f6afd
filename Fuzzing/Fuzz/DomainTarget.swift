import Common
import Description
import EC2API
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
        visit(EC2View(), from: TreePath([]), question)
        visit(OpenStackView(), from: TreePath(["openstack"]), question)
        visit(NoCloudView(), from: TreePath(["nocloud"]), question)
        return 0
    }

    private static func visit(_ view: some MetadataView, from start: TreePath, _ question: Question) {
        guard let walk = try? Walk(through: view, from: start, for: question) else {
            fatalError("a signature is wanted, and nobody signs")
        }
        for step in walk.steps where step.content == nil { fatalError("\(step.path) is listed and does not answer") }
    }
}
