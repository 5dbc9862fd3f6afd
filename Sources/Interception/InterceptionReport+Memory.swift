extension InterceptionReport {
    /// The facts that are logged, of which names of links and domains are a part: authors of domains can make any number.
    struct Memory {
        enum Verdict {
            case new
            case known
            /// The memory is full. All would be logged again and again if it forgot what it has.
            case firstSuppressed
            case suppressed
        }

        /// The most facts to remember.
        static let most = 1024
        /// How long a full memory is kept.
        static let interval = Duration.seconds(3600)

        private(set) var texts: [String: String] = [:]
        /// Since when the memory is full; `nil` while it has room.
        private var full: ContinuousClock.Instant?

        mutating func add(_ text: String, for key: String, at now: ContinuousClock.Instant) -> Verdict {
            guard texts[key] != text else { return .known }
            if let full, now - full >= Self.interval { (texts, self.full) = ([:], nil) }
            guard texts.count < Self.most || texts[key] != nil else {
                defer { full = full ?? now }
                return full == nil ? .firstSuppressed : .suppressed
            }
            texts[key] = text
            return .new
        }

        mutating func forget(_ key: String) { texts[key] = nil }

        mutating func forgetAll(of bridge: String) { texts = texts.filter { !$0.key.hasSuffix(" \(bridge)") } }
    }
}
