package import FoundationEssentials

/// The current time in HTTP's format (RFC 9110 §5.6.7), formatted once a second.
package final class DateCache {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private let clock: @Sendable () -> Date
    private let calendar: Calendar
    private var second = -Double.infinity
    private var text = ""

    package init(clock: @escaping @Sendable () -> Date = { Date() }) {
        self.clock = clock
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        self.calendar = calendar
    }

    /// Such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    package var now: String {
        let date = clock()
        let second = date.timeIntervalSince1970.rounded(.down)
        if second != self.second {
            self.second = second
            text = format(date)
        }
        return text
    }

    private func format(_ date: Date) -> String {
        let parts = calendar.dateComponents([.weekday, .day, .month, .year, .hour, .minute, .second], from: date)
        let two = { (number: Int?) in (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }
        return Self.weekdays[(parts.weekday ?? 1) - 1] + ", \(two(parts.day)) " + Self.months[(parts.month ?? 1) - 1]
            + " \(parts.year ?? 0) \(two(parts.hour)):\(two(parts.minute)):\(two(parts.second)) GMT"
    }
}
