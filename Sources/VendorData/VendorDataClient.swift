import Common
import HTTPClient
import JSON

/// Requests the value of one vendor data target for one instance.
struct VendorDataClient: Sendable {
    /// The longest reply that is read, in bytes: cloud-init's parts together rarely have a tenth of that.
    static let longest = 256 << 10
    /// How many requests one target gets at a time; the others wait in a queue.
    static let mostAtOnce = 64

    /// Why a target returned no value, as the operator reads it.
    struct Failure: Error {
        let problem: String
    }

    private let timeout: Duration
    private let client = HTTPClient(connections: mostAtOnce)

    /// - Parameter timeout: from the first byte of the request to the last one of the reply.
    init(timeout: Duration) {
        self.timeout = timeout
    }

    /// The value that a target replies with, and the bytes of its text; an empty reply is an empty object.
    func value(of target: VendorDataTarget, _ body: [UInt8]) async throws(Failure) -> (value: JSONValue, size: Int) {
        let bytes = try await post(body, to: target)
        guard !bytes.isEmpty else { return (.object([]), 0) }
        do throws(ParseError) {
            return (try JSONParsing.value(of: bytes), bytes.count)
        } catch {
            throw Failure(problem: "invalid response: \(error)")
        }
    }

    private func post(_ body: [UInt8], to target: VendorDataTarget) async throws(Failure) -> [UInt8] {
        var request = HTTPRequest(target.url, .post(body), limit: timeout, longest: Self.longest)
        // The same fields as Nova's, because a target may check them.
        request.fields = [
            "Content-Type: application/json", "Accept: application/json", "User-Agent: openstack-nova-vendordata",
        ]
        let answer: HTTPAnswer
        do throws(HTTPFailure) {
            answer = try await client.answer(to: request)
        } catch {
            throw Failure(problem: problem(of: error))
        }
        guard (200..<300).contains(answer.status) else { throw Failure(problem: "HTTP status \(answer.status)") }
        return answer.body
    }

    private func problem(of failure: HTTPFailure) -> String {
        switch failure {
        case .tooLong: "response larger than \(Self.longest >> 10) KiB"
        case .tooLate: "no response within \(timeout)"
        default: "request failed: \(failure)"
        }
    }
}
