import Common
import FoundationEssentials
import Guests
import NIOCore

/// An instance and its last requests as JSON, for operators; docs/admin.md describes the members.
struct InstanceDocument {
    let instance: Instance
    let isPaused: Bool
    /// libvirt's URI of its host.
    let hypervisor: String
    let journal: RequestJournal

    var json: JSONValue {
        let requests = journal.requests(of: instance.domain)
        return .object([
            JSONMember("name", .string(instance.domainName)),
            JSONMember("uuid", .string(instance.domain.description)),
            JSONMember("instance_id", .string(instance.id)),
            JSONMember("hostname", .string(instance.hostname)),
            JSONMember("state", .string(isPaused ? "paused" : "running")),
            JSONMember("hypervisor", .string(hypervisor)),
            JSONMember("interfaces", .array(instance.interfaces.map(Self.json))),
            JSONMember("requests", .integer(Int64(requests.count))),
            JSONMember("last_request", Self.json(requests).last ?? .null),
        ])
    }

    /// Its last requests, the newest last.
    var requests: JSONValue {
        let requests = journal.requests(of: instance.domain)
        return .object([
            JSONMember("name", .string(instance.domainName)),
            JSONMember("uuid", .string(instance.domain.description)),
            JSONMember("count", .integer(Int64(requests.count))),
            JSONMember("requests", .array(Self.json(requests))),
        ])
    }

    private static func json(_ interface: NetworkInterface) -> JSONValue {
        return .object([
            JSONMember("mac", .string(interface.mac.description)),
            JSONMember("tap", interface.tap.map(JSONValue.string) ?? .null),
            JSONMember("bridge", interface.bridge.map(JSONValue.string) ?? .null),
            JSONMember("addresses", .array(interface.knownAddresses.map { .string("\($0)") })),
        ])
    }

    private static func json(_ requests: RequestJournal.Requests) -> [JSONValue] {
        requests.records.enumerated().map { json($1, isEarlier: $0 < requests.earlier) }
    }

    /// - Parameter isEarlier: whether it is a request of an earlier run of the domain.
    private static func json(_ record: RequestJournal.Record, isEarlier: Bool) -> JSONValue {
        let age = NIODeadline.now() - record.time
        let time = Date(timeIntervalSinceNow: -Double(age.nanoseconds) / 1e9)
        return .object([
            JSONMember("time", .string(time.formatted(.iso8601))),
            JSONMember("age", .real(Self.seconds(age))),
            JSONMember("method", .string(record.method)),
            JSONMember("target", .string(record.target)),
            JSONMember("status", .integer(Int64(record.status))),
            JSONMember("duration", .real(Self.seconds(record.duration))),
            JSONMember("earlier_run", .bool(isEarlier)),
        ])
    }

    /// To the microsecond.
    private static func seconds(_ time: TimeAmount) -> Double { Double(time.nanoseconds / 1000) / 1e6 }
}
