import FoundationEssentials

/// The current time as HTTP writes it (RFC 9110 §5.6.7), made once a second.
final class DateCache {
    private let clock: @Sendable () -> Date
    private var second = -Double.infinity
    private var text = ""

    init(clock: @escaping @Sendable () -> Date = { Date() }) {
        self.clock = clock
    }

    var now: String {
        let date = clock()
        let second = date.timeIntervalSince1970.rounded(.down)
        if second != self.second {
            self.second = second
            text = date.formatted(.http)
        }
        return text
    }
}
