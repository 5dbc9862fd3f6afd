import Common
import JSON
import Probe
import Recording

/// One server, and what was read from it: rules share responses.
///
/// It sends what guests send, and changes nothing on the server: a password is read and never posted.
final class Examination {
    typealias Field = ProbeClient.Field

    /// Versions of the EC2 tree that clients have in their code.
    static let clientVersions = ["2009-04-04", "2016-09-02", "2018-09-24", "2019-10-01", "2021-01-03", "2021-03-23", "latest"]
    /// Of directories in each other.
    private static let mostDepth = 12
    /// In one tree.
    private static let mostEntries = 5000

    /// A path of the EC2 tree, as a listing led to it.
    struct Visit {
        let target: String
        let isDirectory: Bool
        let response: WireResponse
    }

    let client: ProbeClient
    private var memory: [String: WireResponse] = [:]
    private var walks: [String: [Visit]] = [:]
    private(set) var slowest: (target: String, time: Duration) = ("", .zero)
    /// Where the NoCloud seed is.
    var seed = "/nocloud/"

    /// When the whole run has to end: one rule may send thousands of requests, each of them slow.
    private let end: ContinuousClock.Instant
    private let time: Duration
    /// Of one exchange, as long as there is time for it.
    private let timeout: Duration
    private let mostBytes: Int
    private var bytes = 0

    /// - Parameters:
    ///   - time: of the whole run, from now on.
    ///   - mostBytes: of all bodies together.
    init(_ client: ProbeClient, time: Duration, mostBytes: Int) {
        (self.client, timeout, self.time, self.mostBytes) = (client, client.timeout, time, mostBytes)
        end = .now.advanced(by: time)
    }

    /// Ends the run where its time is over, or too much was read; the next exchange has no more time than is left.
    private func admit() throws(RuleEnd) {
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { throw outOfTime }
        guard bytes <= mostBytes else { throw .stopped("the server's responses have more than \(mostBytes) bytes") }
        client.timeout = min(timeout, left)
    }

    private var outOfTime: RuleEnd { .stopped("the rules took more than \(Int(time / .seconds(1))) s") }

    /// An exchange that ends with the run's time says nothing about the server.
    private func failure(of request: String, _ failure: WireFailure) -> RuleEnd {
        if case .timedOut = failure, ContinuousClock.now >= end { return outOfTime }
        return .noResponse(request, failure)
    }

    // MARK: Requests

    /// Reads a target, once for all rules.
    func get(_ target: String) throws(RuleEnd) -> WireResponse {
        if let response = memory[target] { return response }
        let response = try fresh(target)
        memory[target] = response
        return response
    }

    /// Reads a target again.
    func fresh(_ target: String, _ fields: [Field] = []) throws(RuleEnd) -> WireResponse {
        try admit()
        do throws(WireFailure) {
            return note(try client.get(target, fields), target)
        } catch {
            throw failure(of: "GET \(shown(target))", error)
        }
    }

    func send(_ method: String, _ target: String, _ fields: [Field] = []) throws(RuleEnd) -> WireResponse {
        try admit()
        do throws(WireFailure) {
            return note(try client.request(method, target, fields), target)
        } catch {
            throw failure(of: "\(method) \(shown(target))", error)
        }
    }

    /// The fields that a read has: its token, if the server makes tokens.
    var tokenFields: [Field] { client.token.map { [Field(ProbeClient.tokenField, $0)] } ?? [] }

    /// Runs an exchange of bytes on a connection of its own.
    func wire<Value>(_ what: String, _ body: (WireConnection) throws(WireFailure) -> Value) throws(RuleEnd) -> Value {
        try admit()
        do throws(WireFailure) {
            return try body(try client.connect())
        } catch {
            throw failure(of: what, error)
        }
    }

    private func note(_ response: WireResponse, _ target: String) -> WireResponse {
        bytes += response.body.count
        if response.time > slowest.time { slowest = (target, response.time) }
        return response
    }

    // MARK: Expectations

    /// The body of a target that has to answer with 200.
    func body(of target: String) throws(RuleEnd) -> [UInt8] {
        let response = try get(target)
        try expect(response.status == 200, "\(target): status \(response.status): expected 200")
        return response.body
    }

    /// The same as text.
    func text(of target: String) throws(RuleEnd) -> String {
        guard let text = String(validating: try body(of: target), as: UTF8.self) else { throw .fails("\(target): not UTF-8") }
        return text
    }

    /// The text of a target; `nil` where it answers 404.
    func optionalText(of target: String) throws(RuleEnd) -> String? {
        try get(target).status == 404 ? nil : try text(of: target)
    }

    /// The document of a target; `nil` where it answers 404.
    func json(of target: String) throws(RuleEnd) -> JSONValue? {
        let response = try get(target)
        if response.status == 404 { return nil }
        try expect(response.status == 200, "\(target): status \(response.status): expected 200 or 404")
        try expect(!response.body.isEmpty, "\(target): 200 with an empty body: expected JSON or 404")
        do throws(ParseError) {
            return try JSONParsing.value(of: response.body, limit: 16 << 20)
        } catch {
            throw .fails("\(target): not JSON: \(error)")
        }
    }

    func object(of target: String) throws(RuleEnd) -> JSONValue {
        guard let value = try json(of: target) else { throw .fails("\(target): status 404: expected 200") }
        guard case .object = value else { throw .fails("\(target): expected a JSON object") }
        return value
    }

    // MARK: Walks

    /// The versions that clients read and `/` lists; `latest` if `/` is no listing.
    func servedVersions() throws(RuleEnd) -> [String] {
        let listed = Listing(try get("/"))?.lines.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 } ?? []
        let served = Self.clientVersions.filter { listed.contains($0) }
        return served.contains("latest") ? served : served + ["latest"]
    }

    /// Every path that listings lead to below `meta-data/` of a version.
    func walk(_ version: String) throws(RuleEnd) -> [Visit] {
        if let visits = walks[version] { return visits }
        var visits: [Visit] = []
        try visit("/\(version)/meta-data/", &visits, depth: 0)
        walks[version] = visits
        return visits
    }

    private func visit(_ target: String, _ visits: inout [Visit], depth: Int) throws(RuleEnd) {
        try expect(depth < Self.mostDepth, "\(shown(target)): more than \(Self.mostDepth) directories deep")
        let response = try get(target)
        visits.append(Visit(target: target, isDirectory: true, response: response))
        guard response.status == 200, let listing = Listing(response) else { return }
        for entry in listing.entries(of: target) {
            try expect(visits.count < Self.mostEntries, "more than \(Self.mostEntries) entries below meta-data/")
            switch entry {
            case .directory(let name): try visit("\(target)\(Listing.quoted(name))/", &visits, depth: depth + 1)
            case .key(let number): try visit("\(target)\(number)/", &visits, depth: depth + 1)
            case .leaf(let name):
                let leaf = target + Listing.quoted(name)
                visits.append(Visit(target: leaf, isDirectory: false, response: try get(leaf)))
            }
        }
    }

    /// Whether `meta-data/` of `latest` lists a name.
    func lists(_ name: String) throws(RuleEnd) -> Bool {
        (Listing(try get("/latest/meta-data/"))?.lines ?? []).contains { $0 == name || $0 == name + "/" }
    }
}

func shown(_ text: String) -> String { (text.utf8.count > 120 ? String(text.prefix(100)) + "…" : text).cleaned() }
