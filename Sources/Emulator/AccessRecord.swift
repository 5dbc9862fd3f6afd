package import Common
import FoundationEssentials
import JSON

/// One request and its reply, as one line of the access log: what a test asserts about the client that it tests.
package struct AccessRecord: Sendable {
    /// How a reply ended. A reply whose last bytes are handed over is recorded before that, so that a client that has its reply finds
    /// the record.
    package enum Ending: String, Sendable {
        /// All bytes of the plan were sent.
        case sent
        /// As a rule wants: reset by the emulator.
        case reset
        /// As a rule wants: fewer bytes than the head announces, or none.
        case cut
        case silence
        /// The client ended the connection before the last byte.
        case closedByClient = "closed-by-client"
        /// The bytes are no request: they were refused.
        case refused
    }

    /// The request; `nil` for bytes that are no complete request.
    package let request: EmulatedRequest?
    /// The number of the request, from 1; of bytes that are none, the next number.
    package let number: Int
    /// The instance's name; `nil` for a client that is no instance's.
    package let instance: String?
    /// The time of day when its last byte came, in seconds since 1970.
    package let time: Double
    package let status: Int
    /// How many bytes of head and body were sent.
    package let bytes: Int
    /// The rule that changed the reply.
    package let rule: String?
    package let ending: Ending

    package init(
        request: EmulatedRequest?, number: Int, instance: String?, time: Double, status: Int, bytes: Int, rule: String?,
        ending: Ending
    ) {
        (self.request, self.number, self.instance, self.time) = (request, number, instance, time)
        (self.status, self.bytes, self.rule, self.ending) = (status, bytes, rule, ending)
    }

    /// The fields of a request that are logged: those that a reply can depend on, and the client's name. A token is a secret of its
    /// client, so its value is left out.
    private static let loggedFields: Set = [
        "host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type", "expect",
        "x-aws-ec2-metadata-token-ttl-seconds", "x-forwarded-for", "via", "forwarded", "origin", "referer", "metadata-flavor",
        "metadata", "range", "if-modified-since", "if-none-match",
    ]

    /// The record as a JSON object.
    package var json: JSONValue {
        let headers = (request?.headers ?? []).map { (name: $0.name.lowercased(), value: $0.value) }
        var seen: Set<String> = []
        let logged = headers.filter { Self.loggedFields.contains($0.name) && seen.insert($0.name).inserted }
        return .object([
            JSONMember("n", .integer(Int64(number))), JSONMember("time", .string(Self.text(of: time))),
            JSONMember("instance", instance.map { .string($0) } ?? .null),
            JSONMember("method", request.map { .string($0.method) } ?? .null),
            JSONMember("target", request.map { .string($0.target) } ?? .null),
            JSONMember("headers", .object(logged.map { JSONMember($0.name, .string($0.value)) })),
            JSONMember("token", request.map { .string($0.token.rawValue) } ?? .null),
            JSONMember("status", .integer(Int64(status))), JSONMember("bytes", .integer(Int64(bytes))),
            JSONMember("rule", rule.map { .string($0) } ?? .null), JSONMember("ended", .string(ending.rawValue)),
        ])
    }

    /// RFC 3339 with milliseconds, UTC.
    static func text(of time: Double) -> String {
        Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(Date(timeIntervalSince1970: time))
    }
}
