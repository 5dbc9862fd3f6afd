package import Common

/// Bytes that only look random: the same for the same seed, so that two runs of a test read the same.
package enum SeededEntropy {
    private struct Generator {
        /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): any seed is a good one.
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func bytes(_ count: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count + 7)
            while bytes.count < count {
                let word = next()
                for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
            }
            return Array(bytes.prefix(count))
        }
    }

    /// A source of the bytes of a seed and a purpose, such as the name of an instance: different purposes have different bytes.
    package static func entropy(seed: UInt64, purpose: String) -> Entropy {
        let generator = Locked(Generator(state: purpose.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }))
        return Entropy { count in generator.withLock { $0.bytes(count) } }
    }
}
