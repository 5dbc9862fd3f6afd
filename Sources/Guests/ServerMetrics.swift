package import Common
package import NIOHTTP1

/// The server's counters. Each metric is made once, so that counting is one addition.
package final class ServerMetrics: Sendable {
    /// Why a guest was not served.
    package enum Refusal: String, CaseIterable, Sendable {
        /// It had too many connections, opened them too fast, had too many held requests, or exceeded its rates.
        case connections, connectionRate = "connection_rate", heldRequests = "held_requests", rate
        /// All guests together had too many connections or held requests.
        case allConnections = "all_connections", allHeldRequests = "all_held_requests"
        /// It sent too many requests without reading a reply, left too much unread or unfinished, or read too slowly.
        case waitingRequests = "waiting_requests", memory, slowReading = "slow_reading"
        /// Its client is matched to no domain.
        case unmatchedClient = "unknown_caller"
        /// Its MAC address is another guest's, or came in by another guest's port.
        case identityMismatch = "identity_mismatch"
        /// Several domains match.
        case ambiguousClient = "ambiguous_caller"

        package init(_ exceeded: ConnectionLimits.Exceeded) {
            switch exceeded {
            case .connections: self = .connections
            case .connectionRate: self = .connectionRate
            case .heldRequests: self = .heldRequests
            case .requests: self = .rate
            case .waitingRequests: self = .waitingRequests
            case .memory: self = .memory
            case .slowReading: self = .slowReading
            case .allConnections: self = .allConnections
            case .allHeldRequests: self = .allHeldRequests
            }
        }

        package init(_ reason: MatchFailure) {
            switch reason {
            case .wrongPort, .foreignProject: self = .identityMismatch
            case .severalOwners, .contestedPort: self = .ambiguousClient
            case .noHardwareAddress, .noOwner, .elsewhere, .unreadPort, .noInstance: self = .unmatchedClient
            }
        }
    }

    /// The counted statuses, in this order; the last one stands for all others.
    private static let statuses: [UInt] = [200, 400, 401, 403, 404, 405, 408, 409, 413, 429, 431, 503, 0]

    package let registry = PrometheusRegistry()
    /// By view and status; the last view stands for requests that no view claims.
    private let requests: [[PrometheusCounter]]
    private let duration: PrometheusHistogram
    private let refusals: [PrometheusCounter]
    private let tokens: PrometheusCounter

    /// - Parameter views: the names of the views, in the order of their numbers.
    init(views names: [String]) {
        let registry = registry
        requests = (names + ["none"]).map { view in
            Self.statuses.map { status in
                registry.counter(
                    "virt_metadata_requests_total", [("view", view), ("status", status == 0 ? "other" : "\(status)")])
            }
        }
        duration = registry.histogram("virt_metadata_request_duration_seconds")
        refusals = Refusal.allCases.map { reason in
            registry.counter("virt_metadata_refused_total", [("reason", reason.rawValue)])
        }
        tokens = registry.counter("virt_metadata_tokens_issued_total")
        registry.describe("virt_metadata_requests_total", "Total number of answered requests, by API (view) and status.")
        registry.describe(
            "virt_metadata_request_duration_seconds",
            "Time from the last byte of a request to its reply in seconds, including the time it was held.")
        registry.describe("virt_metadata_refused_total", "Total number of refused requests and connections, by reason.")
        registry.describe("virt_metadata_tokens_issued_total", "Total number of issued session tokens.")
    }

    func answered(_ status: HTTPResponseStatus, view: Int?, nanoseconds: Int64) {
        requests[view ?? requests.count - 1][Self.index(of: status.code)].increment()
        duration.record(nanoseconds: nanoseconds)
    }

    /// Counts bytes that were no complete request.
    package func refused(_ status: HTTPResponseStatus) {
        requests[requests.count - 1][Self.index(of: status.code)].increment()
    }

    package func refused(_ reason: Refusal) {
        guard let index = Refusal.allCases.firstIndex(of: reason) else { return }
        refusals[index].increment()
    }

    func tokenIssued() { tokens.increment() }

    private static func index(of status: UInt) -> Int {
        // Nearly every reply has this status.
        status == 200 ? 0 : statuses.firstIndex(of: status) ?? statuses.count - 1
    }
}
