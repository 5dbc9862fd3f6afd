import Recording

/// Where a crawl ends: a server may redirect, list itself, or never end.
package struct CrawlLimits: Sendable {
    /// Of all responses together; a retry counts.
    package var requests = 10_000
    /// Of all bodies together, in bytes.
    package var bytes = 64 << 20
    /// Of directories in each other.
    package var depth = 16
    /// Of one exchange.
    package var timeout = Duration.seconds(10)
    /// Of the whole crawl.
    package var time = Duration.seconds(300)
    /// Of the whole crawl's time, what is kept for the work after it.
    package var reserve = Duration.zero
    /// When the crawl ends at the latest, where several share one time; `nil`: from its own beginning.
    package var end: ContinuousClock.Instant?
    /// Of exchanges without a response in a row.
    package var failures = 3

    package init() {}
}

/// Why there is no recording.
package struct CrawlError: Error, CustomStringConvertible {
    package let description: String
}
