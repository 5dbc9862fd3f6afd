/// How often a persistent tap had been opened when it was last looked at.
///
/// The kernel counts an opening at once, but announces it up to a second later (linkwatch), and may have other work before. Until then the tap looks
/// as it did with the program before.
package struct TapOpenings: Sendable, Hashable {
    private let index: Int32
    private let count: UInt32

    /// `nil` for a link that does not outlive the program that opened it, or that no program opens.
    package init?(of link: Link) {
        guard link.isPersistent else { return nil }
        (index, count) = (link.index, link.carrierUps)
    }

    /// Whether a program has opened the tap since, or the tap is gone, or nobody can say: asks the kernel.
    package func haveIncreased() -> Bool {
        guard let link = try? Links.link(at: index) else { return true }
        return link.carrierUps != count
    }
}
