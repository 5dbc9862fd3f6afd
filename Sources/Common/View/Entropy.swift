import Glibc

/// A source of random bytes.
package struct Entropy: Sendable {
    private let draw: @Sendable (_ count: Int) -> [UInt8]

    package init(_ draw: @escaping @Sendable (_ count: Int) -> [UInt8]) {
        self.draw = draw
    }

    package static let system = Entropy { count in
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // glibc's arc4random_buf has no state of its own: it asks the kernel, once for any number of bytes.
            if let start = buffer.baseAddress { unsafe arc4random_buf(start, count) }
            filled = count
        }
    }

    package func bytes(_ count: Int) -> [UInt8] { draw(count) }
}
