import Glibc

/// A source of random bytes.
public struct Entropy: Sendable {
    private let draw: @Sendable (_ count: Int) -> [UInt8]

    /// A source that draws by this function.
    public init(_ draw: @escaping @Sendable (_ count: Int) -> [UInt8]) {
        self.draw = draw
    }

    /// The kernel's random bytes.
    public static let system = Entropy { count in
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // glibc's has no state of its own: it asks the kernel, once for any number of bytes.
            if let start = buffer.baseAddress { unsafe arc4random_buf(start, count) }
            filled = count
        }
    }

    /// That many bytes.
    public func bytes(_ count: Int) -> [UInt8] { draw(count) }
}
