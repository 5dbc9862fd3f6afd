/// Which of the hosts whose guests are known: the place of its hypervisor in the operator's list, from 0.
///
/// The first is this host: its domains' taps and bridges are those that our own kernel has. What other hosts call theirs has
/// nothing to do with ours, even where it has the same name.
public struct HostNumber: Sendable, Hashable {
    /// This host.
    public static let local = HostNumber(0)

    private let number: UInt16

    /// The host at a place in the list.
    public init(_ number: Int) {
        self.number = UInt16(clamping: number)
    }

    /// Whether it is the one that we run on.
    public var isLocal: Bool { self == .local }

    /// Its place in the list.
    public var index: Int { Int(number) }
}
