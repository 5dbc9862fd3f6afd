import Common
import CoreMetrics
import NIOHTTP1

/// What the server counts while it answers. Each metric is made once, so that counting is one addition.
final class ServerMetrics: Sendable {
    /// Why a guest was not served.
    enum Refusal: String, CaseIterable, Sendable {
        /// It had too many connections, held requests, or asked too much.
        case connections, heldRequests = "held_requests", rate
        /// Nobody knows which domain it is.
        case unknownCaller = "unknown_caller"
        /// Its hardware address is another's, or came in by another's port.
        case identityMismatch = "identity_mismatch"
        /// Several domains could be meant.
        case ambiguousCaller = "ambiguous_caller"

        init(_ excess: Census.Excess) {
            switch excess {
            case .connections: self = .connections
            case .heldRequests: self = .heldRequests
            case .requests: self = .rate
            }
        }

        init(_ reason: UnknownCaller) {
            switch reason {
            case .wrongPort, .foreignProject: self = .identityMismatch
            case .severalOwners: self = .ambiguousCaller
            case .noHardwareAddress, .noOwner, .elsewhere, .noPort, .noInstance: self = .unknownCaller
            }
        }
    }

    /// The statuses that there are, in this order; the last stands for all others.
    private static let statuses: [UInt] = [200, 400, 401, 403, 404, 405, 408, 409, 413, 429, 431, 503, 0]

    let registry = PrometheusRegistry()
    /// By view and status; the last view stands for requests that no view claims.
    private let requests: [[Counter]]
    private let duration: CoreMetrics.Timer
    private let refusals: [Counter]
    private let tokens: Counter

    /// - Parameter views: the names of the views, in the order of their numbers.
    init(views names: [String] = views.map(\.name)) {
        let registry = registry
        requests = (names + ["none"]).map { view in
            Self.statuses.map { status in
                Counter(
                    label: "virt_metadata_requests_total",
                    dimensions: [("view", view), ("status", status == 0 ? "other" : "\(status)")], factory: registry)
            }
        }
        duration = CoreMetrics.Timer(label: "virt_metadata_request_duration_seconds", dimensions: [], factory: registry)
        refusals = Refusal.allCases.map { reason in
            Counter(label: "virt_metadata_refused_total", dimensions: [("reason", reason.rawValue)], factory: registry)
        }
        tokens = Counter(label: "virt_metadata_tokens_issued_total", dimensions: [], factory: registry)
        registry.describe("virt_metadata_requests_total", "Requests that were answered, by the view that claims their path.")
        registry.describe(
            "virt_metadata_request_duration_seconds", "From a request's last byte to its reply, the time it was held included.")
        registry.describe("virt_metadata_refused_total", "Guests that were not served, by reason.")
        registry.describe("virt_metadata_tokens_issued_total", "Session tokens that were issued.")
    }

    /// Counts a request that was answered.
    func answered(_ status: HTTPResponseStatus, view: Int?, nanoseconds: Int64) {
        requests[view ?? requests.count - 1][Self.index(of: status.code)].increment(by: 1)
        duration.recordNanoseconds(nanoseconds)
    }

    /// Counts what was no whole request.
    func refused(_ status: HTTPResponseStatus) {
        requests[requests.count - 1][Self.index(of: status.code)].increment(by: 1)
    }

    func refused(_ reason: Refusal) {
        guard let index = Refusal.allCases.firstIndex(of: reason) else { return }
        refusals[index].increment(by: 1)
    }

    func tokenIssued() { tokens.increment(by: 1) }

    private static func index(of status: UInt) -> Int {
        // Nearly every one.
        status == 200 ? 0 : statuses.firstIndex(of: status) ?? statuses.count - 1
    }
}
