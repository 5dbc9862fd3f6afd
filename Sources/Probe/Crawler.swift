import Common
import Glibc
package import Recording

/// Walks through the trees of a metadata server as cloud-init does, and records each response.
///
/// It sends GET, and one PUT for a session token: it changes nothing on the server. Redirects are recorded and not followed.
package struct Crawler {
    let client: ProbeClient
    let limits: CrawlLimits
    private(set) var recording = Recording()
    private var targets: Set<String> = []
    /// The targets that were answered with a temporary status.
    private var refused: Set<String> = []
    private var requests = 0, bytes = 0, failures = 0, renewals = 0
    private var omissions = Omissions()
    private let end: ContinuousClock.Instant
    /// The failure of the first request, if it had no response.
    private var firstFailure: WireFailure?

    /// - Throws: `ProbeURLError` where the host cannot be resolved.
    package init(_ url: ProbeURL, limits: CrawlLimits = CrawlLimits()) throws(ProbeURLError) {
        client = try ProbeClient(url, timeout: limits.timeout)
        self.limits = limits
        end = (limits.end ?? .now.advanced(by: limits.time)).advanced(by: .zero - limits.reserve)
        recording.source = url.text + "/"
    }

    /// Walks through all trees that answer.
    /// - Parameter latestOnly: whether only `latest` of each tree is read, not its dated versions.
    /// - Throws: `CrawlError` where nothing answers, or nothing is metadata.
    package mutating func run(latestOnly: Bool = false) throws(CrawlError) -> Recording {
        openSession()
        guard let root = ask("/") else {
            throw CrawlError(description: "\(client.url.text)/: \(firstFailure.map { "\($0)" } ?? "no response")")
        }
        askForAbsent()
        walkEC2(root, latestOnly: latestOnly)
        walkOpenStack(latestOnly: latestOnly)
        walkNoCloud()
        guard recording.responses.contains(where: { $0.status == 200 && $0.target != "/" && !Self.isPage($0) }) else {
            let answers = NoMetadata.targets.map { (target: $0, response: ask($0)) }
            let end = omissions.end.map { "; \($0)" } ?? ""
            throw CrawlError(description: "\(client.url.text)/: \(NoMetadata.sentence(answers))\(end)")
        }
        return finished()
    }

    /// Whether a response is for people, as that of a captive portal.
    private static func isPage(_ response: RecordedResponse) -> Bool {
        response.body.first { $0 > 0x20 } == UInt8(ascii: "<")
    }

    /// Asks for these targets and for nothing else; those without a response are ``Recording/unanswered``.
    package mutating func run(targets: [String]) -> Recording {
        openSession()
        for target in targets { read(target) }
        recording.unanswered.formUnion(targets.filter { !has($0) })
        return finished()
    }

    private mutating func finished() -> Recording {
        recording.omissions = omissions.sentences
        return recording
    }

    // MARK: Requests

    /// Gets a token; 403, 404 and 405 mean that the server has none, as for botocore.
    private mutating func openSession() {
        requests += 1
        do throws(WireFailure) {
            let response = try client.requestToken()
            recording.tokenStatus = response.status
            guard response.status == 200 else {
                if ![403, 404, 405].contains(response.status) {
                    omit("a token request was answered with \(response.status): read without a token")
                }
                return
            }
            guard let token = ProbeClient.token(in: response) else {
                return omit("the server's token is not printable ASCII: read without a token")
            }
            requests += 1
            let open = try client.request("GET", "/latest/meta-data/")
            recording.tokens = open.status == 401 ? .required : .optional
            use(token)
        } catch {
            (firstFailure, failures) = (error, failures + 1)
            omit("a token request had no response (\(error)): read without a token")
        }
    }

    private mutating func use(_ token: String) {
        client.token = token
        recording.sessionTokens.append(token)
    }

    /// Sends a request for a target; `nil` where a limit is reached or nothing answers, which is noted.
    mutating func ask(_ target: String) -> WireResponse? {
        guard target.utf8.count <= RecordingLimits.target else {
            omit(target, "longer than \(RecordingLimits.target) bytes")
            return nil
        }
        var retries = 0
        while omissions.end == nil {
            guard mayAsk() else { return nil }
            client.timeout = min(limits.timeout, max(.milliseconds(1), ContinuousClock.now.duration(to: end)))
            do throws(WireFailure) {
                let response = try client.get(target)
                (requests, failures) = (requests + 1, 0)
                bytes += response.body.count
                if try mustRepeat(response, &retries) { continue }
                if Self.isTemporary(response.status) { noteTemporary(response.status, target) }
                return response
            } catch {
                recording.unanswered.insert(target)
                note(error, target)
                return nil
            }
        }
        return nil
    }

    private mutating func mayAsk() -> Bool {
        if requests >= limits.requests {
            stop("after \(requests) requests")
        } else if bytes >= limits.bytes || recording.responses.count >= RecordingLimits.responses {
            stop("after \(bytes) bytes and \(recording.responses.count) responses")
        } else if ContinuousClock.now >= end {
            let all = WireConnection.shown(limits.time)
            stop(
                limits.reserve == .zero
                    ? "after \(all)"
                    : "when \(WireConnection.shown(limits.reserve)) of \(all) were left, to examine and write what was read")
        }
        return omissions.end == nil
    }

    /// A token that has expired is renewed, and a server that is busy is asked again, three times each.
    private mutating func mustRepeat(_ response: WireResponse, _ retries: inout Int) throws(WireFailure) -> Bool {
        switch response.status {
        case 401 where client.token != nil && renewals < 3:
            (renewals, requests) = (renewals + 1, requests + 1)
            guard let token = ProbeClient.token(in: try client.requestToken()) else { return false }
            use(token)
            return true
        case 429, 503:
            guard retries < 3 else { return false }
            retries += 1
            // Seconds, or a date, which is not worth the wait (RFC 9110 §10.2.3).
            let seconds = response.field("retry-after").flatMap { UInt16($0) }.map(Double.init) ?? 0.2
            let rest = max(ContinuousClock.now.duration(to: end) / .seconds(1), 0)
            usleep(UInt32(min(max(seconds, 0.05), 5, rest) * 1e6))
            return true
        default: return false
        }
    }

    /// Whether a status says nothing of what is at a path: the server is busy or broken, or does not take the token.
    private static func isTemporary(_ status: Int) -> Bool { status == 401 || status == 429 || status >= 500 }

    private mutating func noteTemporary(_ status: Int, _ target: String) {
        guard !refused.contains(target) else { return }
        refused.insert(target)
        omit(target, "answered with \(status)", kind: "answered with \(status)")
    }

    private mutating func note(_ failure: WireFailure, _ target: String) {
        requests += 1
        failures += 1
        if firstFailure == nil { firstFailure = failure }
        omit(target, "\(failure)")
        if failures >= limits.failures { stop("after \(failures) requests in a row without a response") }
    }

    private mutating func stop(_ why: String) {
        if omissions.end == nil { omissions.end = Recording.cut + why }
    }

    // MARK: Recording

    /// Whether a target was recorded.
    func has(_ target: String) -> Bool { targets.contains(target) }

    mutating func record(_ response: WireResponse, as target: String) {
        guard targets.insert(target).inserted else { return }
        if (300...399).contains(response.status) {
            omit(
                target, "redirects to \(Self.shown(response.field("location") ?? "nowhere")), which was not followed",
                kind: "redirects, which were not followed")
        }
        recording.responses.append(writable(response, as: target))
    }

    /// The response without what no recording can have, which is noted.
    private mutating func writable(_ response: WireResponse, as target: String) -> RecordedResponse {
        var recorded = response.recorded(as: target)
        let odd = recorded.fields.filter { !$0.isOneLine }.map { Self.shown($0.name) }
        if !odd.isEmpty {
            let kind = "header fields that are not valid"
            omit(target, "\(kind): \(odd.joined(separator: ", "))", kind: kind)
            recorded.fields.removeAll { !$0.isOneLine }
        }
        if !RecordedResponse.Field.isValue(recorded.reason) { recorded.reason = "" }
        return recorded
    }

    /// Asks for a target and records the response, once.
    @discardableResult mutating func read(_ target: String) -> WireResponse? {
        guard !has(target), let response = ask(target) else { return nil }
        record(response, as: target)
        return response
    }

    /// Records a target's form with or without the final slash, if it answers in another way.
    mutating func readOtherForm(_ other: String, of response: WireResponse, at target: String) {
        guard !has(other), let answer = ask(other) else { return }
        let (one, two) = (response.recorded(as: target), answer.recorded(as: target))
        let isSame = one.status == two.status && one.body == two.body && one.servedFields == two.servedFields
        if !isSame { record(answer, as: other) }
    }

    /// How the server answers what it does not have.
    private mutating func askForAbsent() {
        guard let response = ask("/latest/meta-data/virt-metadata-none") else { return }
        recording.absent = writable(response, as: "")
        if response.status == 200 { omit("an unknown path is answered with 200: the server may answer any path") }
    }

    mutating func omit(_ sentence: String) { omissions.add(sentence, kind: sentence) }

    /// Notes what is missing at a target.
    /// - Parameter kind: what such reasons have in common; the reason itself unless given.
    mutating func omit(_ target: String, _ reason: String, kind: String? = nil) {
        omissions.add("\(Self.shown(target)): \(reason)", kind: kind ?? reason)
    }

    static func shown(_ text: String) -> String {
        (text.utf8.count > 200 ? String(text.prefix(150)) + "…" : text).cleaned()
    }
}
