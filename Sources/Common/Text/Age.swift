/// A duration as text, in the largest unit that fits.
package enum Age {
    /// - Parameter seconds: a value from a server; any number.
    package static func text(_ seconds: Double) -> String {
        let seconds = min(max(seconds, 0), 1e12)
        return switch seconds {
        case ..<0.001: "\(Int(seconds * 1e6)) µs"
        case ..<1: "\(Int(seconds * 1000)) ms"
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(seconds / 86_400)) d"
        }
    }
}
