import Common
import Description
import JSON

/// What a test asks of an emulator over the control socket.
package struct ControlRequest: Sendable {
    package let method: String
    package let target: String
    /// Whether a browser sent it for a page: no page controls an emulator.
    package let hasOrigin: Bool
    package let body: [UInt8]

    package init(method: String, target: String, hasOrigin: Bool = false, body: [UInt8] = []) {
        (self.method, self.target, self.hasOrigin, self.body) = (method, target, hasOrigin, body)
    }
}

package struct ControlReply: Sendable, Equatable {
    package let status: Int
    /// JSON.
    package let body: [UInt8]

    init(_ value: JSONValue, status: Int = 200) {
        (self.status, body) = (status, JSONEncoding.bytes(value) + [UInt8(ascii: "\n")])
    }

    static func failure(_ status: Int, _ message: String) -> ControlReply {
        ControlReply(.object([JSONMember("error", .string(message))]), status: status)
    }

    static let done = ControlReply(.object([JSONMember("status", .string("ok"))]))
}

/// Answers the requests of the control socket.
///
/// | request | does |
/// |---|---|
/// | `GET /requests` | the kept requests; `DELETE` forgets them |
/// | `GET /rules` | the faults, and how often each applied; `POST` adds one or a list, before all others; `DELETE` removes those that were added |
/// | `PUT /values/PATH` | sets the value of a path to the body; `DELETE` makes it absent; `?instance=NAME`, `?new` for an unknown path |
/// | `GET /clock` | the time; `POST {"advance": seconds}` steps the manual clock |
/// | `GET /expectations` | the expectations and whether they are met so far |
/// | `GET /readyz` | that the emulator is ready |
package struct ControlResponder: Sendable {
    /// The longest body, in bytes: that of the longest value.
    package static let mostBytes = EmulatedValues.longest

    private let director: ScenarioDirector
    private let names: ScenarioNames
    private let instances: [EmulatedInstance]
    private let clock: any EmulatorClock

    package init(director: ScenarioDirector, names: ScenarioNames, instances: [EmulatedInstance], clock: any EmulatorClock) {
        (self.director, self.names, self.instances, self.clock) = (director, names, instances, clock)
    }

    /// Answers a request. Where it steps the clock, everything that is due happens before the reply.
    package func respond(to request: ControlRequest) -> ControlReply {
        guard !request.hasOrigin else { return .failure(403, "requests of a web page are refused: remove the Origin field") }
        guard request.body.count <= Self.mostBytes else {
            return .failure(413, "the body has more than \(Self.mostBytes) bytes")
        }
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let (path, query) = (parts.first ?? "", parts.count > 1 ? parts[1] : nil)
        switch (request.method, path) {
        case ("GET", "/readyz"): return ControlReply(.object([JSONMember("status", .string("ready"))]))
        case ("GET", "/requests"): return requests
        case ("DELETE", "/requests"): director.forgetRecords()
        case ("GET", "/rules"): return rules
        case ("POST", "/rules"): return addFaults(request.body)
        case ("DELETE", "/rules"): director.removeAddedFaults()
        case ("GET", "/clock"): return time
        case ("POST", "/clock"): return stepClock(request.body)
        case ("GET", "/expectations"): return expectations
        case ("PUT", let path) where path.hasPrefix("/values/"):
            return change(path.dropFirst("/values/".count), query) { values, path throws(EmulatorError) in
                try values.set(path, to: try self.value(request.body, at: path))
            }
        case ("DELETE", let path) where path.hasPrefix("/values/"):
            return change(path.dropFirst("/values/".count), query, isRemoval: true) { values, path throws(EmulatorError) in
                try values.remove(path)
            }
        default: return unknown(request.method, String(path))
        }
        return .done
    }

    private static let methods: [(path: String, methods: String)] = [
        ("/readyz", "GET"), ("/requests", "GET, DELETE"), ("/rules", "GET, POST, DELETE"), ("/clock", "GET, POST"),
        ("/expectations", "GET"), ("/values/PATH", "PUT, DELETE"),
    ]

    private func unknown(_ method: String, _ path: String) -> ControlReply {
        let known = Self.methods.first { $0.path == path || $0.path == "/values/PATH" && path.hasPrefix("/values/") }
        if let known { return .failure(405, "unknown method \(method.cleaned()): expected \(known.methods)") }
        return .failure(404, "unknown endpoint: expected one of " + Self.methods.map(\.path).joined(separator: ", "))
    }

    // MARK: Requests, faults and expectations

    private var requests: ControlReply {
        let (records, dropped) = director.records
        return ControlReply(
            .object([
                JSONMember("requests", .array(records.map(\.json))), JSONMember("dropped", .integer(Int64(dropped))),
            ]))
    }

    /// Refused connections are not requests, and have no counts.
    private var rules: ControlReply {
        let counts = director.faultCounts.map { fault in
            JSONValue.object([
                JSONMember("name", .string(fault.name)), JSONMember("matched", .integer(Int64(fault.matches))),
                JSONMember("applied", .integer(Int64(fault.hits))),
            ])
        }
        return ControlReply(
            .object([
                JSONMember("rules", .array(director.faultNames.map { .string($0) })), JSONMember("counts", .array(counts)),
            ]))
    }

    private func addFaults(_ body: [UInt8]) -> ControlReply {
        do throws(ScenarioProblems) {
            let faults = try Fault.read(body, source: "body", names: names)
            guard director.add(faults) else {
                return .failure(409, "more than \(FaultSelection.most) rules: send DELETE /rules to remove the added ones")
            }
            return ControlReply(.object([JSONMember("added", .integer(Int64(faults.count)))]))
        } catch {
            return .failure(400, error.description)
        }
    }

    private var expectations: ControlReply {
        let results = director.results().map { result in
            JSONValue.object([
                JSONMember("name", .string(result.name)), JSONMember("met", .bool(result.isMet)),
                JSONMember("expected", .string(result.expected)), JSONMember("found", .string(result.found)),
            ])
        }
        return ControlReply(.object([JSONMember("expectations", .array(results))]))
    }

    // MARK: Values

    private func change(
        _ path: Substring, _ query: Substring?, isRemoval: Bool = false,
        _ body: (EmulatedValues, EmulatedPath) throws(EmulatorError) -> Void
    ) -> ControlReply {
        var (chosen, isNew) = (instances, false)
        for part in query?.split(separator: "&", omittingEmptySubsequences: false) ?? [] {
            if part == "new" {
                isNew = true
                continue
            }
            guard part.hasPrefix("instance="), case let name = PercentEncoding.decoded(part.dropFirst(9)) else {
                return .failure(400, "unknown query: expected instance=NAME, new, or both with & between them")
            }
            chosen = instances.filter { $0.name == name }
            guard !chosen.isEmpty else {
                return .failure(404, "no instance '\(name.cleaned())': expected \(ScenarioReading.list(names.instances, "or"))")
            }
        }
        do throws(EmulatorError) {
            let path = try self.path(PercentEncoding.decoded(path), isNew: isNew, isRemoval: isRemoval)
            if !isRemoval { try EmulatedInstance.checkMember(at: path, of: chosen) }
            for instance in chosen { try body(instance.values, path) }
            return .done
        } catch {
            return .failure(400, error.description)
        }
    }

    /// The path of a request: one that instances may have, or that one has, or had before it was removed.
    private func path(_ text: String, isNew: Bool, isRemoval: Bool) throws(EmulatorError) -> EmulatedPath {
        let path = try EmulatedPath(text)
        guard !isNew, let problem = names.problem(with: path, as: text, mayBeDirectory: isRemoval),
            !instances.contains(where: { $0.values.hasValue(at: path) })
        else { return path }
        if case .unknown = problem, instances.contains(where: { $0.hasEntry(at: path) }) { return path }
        throw EmulatorError("\(problem); to use this path anyway, add ?new to the URL")
    }

    /// The bytes that a body sets: with the time in place of `@+120s`, as in a scenario file.
    private func value(_ body: [UInt8], at path: EmulatedPath) throws(EmulatorError) -> [UInt8] {
        let bytes = try ScenarioValue(body: body).bytes(at: clock.wallTime)
        // Clients do not send what follows a number sign: a member would replace its document.
        guard path.member != nil || !path.isJSONDocument || (try? JSONParsing.value(of: bytes)) != nil else {
            throw EmulatorError(
                "\(path) is a JSON document, and the body is not JSON: for a member of the document, write '#' as %23 in the URL; for a "
                    + "broken document, add a fault with 'body'")
        }
        return bytes
    }

    // MARK: Time

    private var time: ControlReply {
        let members = [
            JSONMember("elapsed", .real(clock.elapsed.inSeconds)),
            JSONMember("time", .string(AccessRecord.text(of: clock.wallTime))),
            JSONMember("manual", .bool(clock is ManualClock)),
        ]
        return ControlReply(.object(members))
    }

    private func stepClock(_ body: [UInt8]) -> ControlReply {
        guard let clock = clock as? ManualClock else {
            return .failure(409, "the emulator uses the machine's clock: start it with --clock manual to advance the time")
        }
        let expected = #"expected {"advance": SECONDS}, with a number from 0 to \#(ScenarioDuration.longest.components.seconds)"#
        guard case .object(let members)? = try? JSONParsing.value(of: body), members.count == 1,
            let seconds = Self.number(members[0]),
            seconds >= 0, seconds <= ScenarioDuration.longest.inSeconds
        else { return .failure(400, "invalid body: \(expected)") }
        clock.advance(by: .milliseconds(Int64((seconds * 1000).rounded()))) { director.settle() }
        return time
    }

    private static func number(_ member: JSONMember) -> Double? {
        guard member.name == "advance" else { return nil }
        return switch member.value {
        case .integer(let number): Double(number)
        case .real(let number): number
        default: nil
        }
    }
}
