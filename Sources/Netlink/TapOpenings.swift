/// How often a tap had been opened when it was last looked at, and by how many queues, where more than one program can open it: one after the other
/// if it is persistent, at once if it has several queues.
///
/// The kernel counts an opening at once. It announces that of a persistent tap up to a second later (linkwatch), and that of a further queue never.
/// Until then the tap looks as it did before.
package struct TapOpenings: Sendable, Hashable {
    private let index: Int32
    private let count: UInt32
    /// The queues that programs have; 0 where the tap has one at most.
    package let queues: UInt32

    /// `nil` for a link that only one program can ever open, or none.
    package init?(of link: Link) {
        guard link.isPersistent || link.queues > 0 else { return nil }
        (index, count, queues) = (link.index, link.carrierUps, link.queues)
    }

    /// Whether a program has opened or closed the tap since, or the tap is gone, or nobody can say: asks the kernel.
    package func haveChanged() -> Bool {
        guard let link = try? Links.link(at: index) else { return true }
        return TapOpenings(of: link) != self
    }
}
