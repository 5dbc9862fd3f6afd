/// A host whose guests are known: the index of its hypervisor in the operator's list, from 0.
///
/// The first is this host: the taps and bridges of its domains are in this host's kernel. Taps and bridges of other hosts are
/// different links even if they have the same names.
package struct HostNumber: Sendable, Hashable {
    package static let local = HostNumber(0)

    private let number: UInt16

    package init(_ number: Int) {
        self.number = UInt16(clamping: number)
    }

    package var isLocal: Bool { self == .local }

    /// The index in the operator's list.
    package var index: Int { Int(number) }
}
