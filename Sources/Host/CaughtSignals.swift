import Dispatch
import Glibc

/// Signals that this process handles instead of being ended by them, from now on.
package final class CaughtSignals: @unchecked Sendable {
    // Safe: the sources are made and activated by the initializer, and only kept after it.
    private let sources: [any DispatchSourceSignal]

    /// - Parameter handler: called with each signal, on a thread of its own.
    package init(_ signals: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "signals")
        sources = signals.map { number in
            // A source sees the signal all the same.
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handler(number) }
            source.activate()
            return source
        }
    }
}
