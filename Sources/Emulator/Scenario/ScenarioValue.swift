package import Common
import FoundationEssentials
import JSON

/// The value that a step sets: a text, or a document whose texts may be times.
///
/// A text that begins with `@` is a time before or after the step: `@`, `@+120s`, `@-5m`. It is computed once, when the step comes, so
/// that a client sees it come nearer. `@+7d GMT` writes it in the form of scheduled events, and `@+1h epoch` in seconds since 1970.
package indirect enum ScenarioValue: Sendable, Equatable {
    case text(String)
    case time(RelativeTime)
    case bytes([UInt8])
    case document(Document)

    /// JSON, with times.
    package indirect enum Document: Sendable, Equatable {
        case plain(JSONValue)
        case time(RelativeTime)
        case array([Document])
        case object([Member])
    }

    package struct Member: Sendable, Equatable {
        let name: String
        let value: Document
    }

    /// The bytes that are served.
    ///
    /// - Parameter now: when the step came, in seconds since 1970.
    package func bytes(at now: Double) -> [UInt8] {
        switch self {
        case .text(let text): Array(text.utf8)
        case .time(let time): Array(time.text(at: now).utf8)
        case .bytes(let bytes): bytes
        case .document(let document): JSONEncoding.bytes(document.value(at: now))
        }
    }
}

extension ScenarioValue {
    /// The body of a request: a time, JSON with times, or bytes as they are.
    ///
    /// - Throws: ``EmulatorError`` for a text that begins like a time and is none. Others may begin with `@`, such as user data.
    init(body: [UInt8]) throws(EmulatorError) {
        if let text = String(validating: body, as: UTF8.self), RelativeTime.isMeant(by: text) {
            // What is sent from a file ends with a newline.
            let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
            guard let time = RelativeTime(line) else {
                throw EmulatorError("invalid time '\(line.cleaned())': expected \(RelativeTime.expected)")
            }
            self = .time(time)
            return
        }
        guard body.contains(UInt8(ascii: "@")), let value = try? JSONParsing.value(of: body) else {
            self = .bytes(body)
            return
        }
        let document = Document(value)
        // Without a time, the spelling of the JSON is kept.
        self = document.hasTime ? .document(document) : .bytes(body)
    }
}

extension ScenarioValue.Document {
    fileprivate init(_ value: JSONValue) {
        switch value {
        case .string(let text): self = RelativeTime(text).map { .time($0) } ?? .plain(value)
        case .array(let items): self = .array(items.map { Self($0) })
        case .object(let members): self = .object(members.map { .init(name: $0.name, value: Self($0.value)) })
        default: self = .plain(value)
        }
    }

    fileprivate var hasTime: Bool {
        switch self {
        case .plain: false
        case .time: true
        case .array(let items): items.contains { $0.hasTime }
        case .object(let members): members.contains { $0.value.hasTime }
        }
    }

    func value(at now: Double) -> JSONValue {
        switch self {
        case .plain(let value): value
        case .time(let time): time.value(at: now)
        case .array(let items): .array(items.map { $0.value(at: now) })
        case .object(let members): .object(members.map { JSONMember($0.name, $0.value.value(at: now)) })
        }
    }
}

/// A time before or after a step.
package struct RelativeTime: Sendable, Equatable {
    /// How it is written.
    package enum Form: String, Sendable, CaseIterable {
        /// `2026-01-07T01:03:47Z`: notices, credentials.
        case iso = ""
        /// `21 Jan 2026 09:00:43 GMT`: scheduled events.
        case gmt = "GMT"
        /// Seconds since 1970.
        case epoch
    }

    let offset: Duration
    let form: Form

    package static let expected = "a time such as @, @+120s or @-5m, optionally followed by GMT or epoch"

    package init(offset: Duration, form: Form) { (self.offset, self.form) = (offset, form) }

    /// Whether a text begins as only a time does: other texts may begin with `@` too.
    static func isMeant(by text: String) -> Bool {
        let rest = text.utf8.dropFirst()
        return text.utf8.first == UInt8(ascii: "@") && text.utf8.count <= 64
            && (rest.first.map { "+- \n".utf8.contains($0) } ?? true)
    }

    /// `nil` for any other text; it must begin with `@`.
    package init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1)
        guard let first = words.first, first.first == "@", let form = Form(rawValue: words.count == 2 ? String(words[1]) : "")
        else {
            return nil
        }
        let distance = first.dropFirst()
        switch distance.first {
        case nil: self.init(offset: .zero, form: form)
        case "+", "-":
            guard let offset = try? ScenarioDuration.read(distance.dropFirst()) else { return nil }
            self.init(offset: distance.first == "-" ? .zero - offset : offset, form: form)
        default: return nil
        }
    }

    func value(at now: Double) -> JSONValue {
        form == .epoch ? .integer(Int64(seconds(at: now))) : .string(text(at: now))
    }

    func text(at now: Double) -> String { Self.text(Date(timeIntervalSince1970: seconds(at: now)), form) }

    private func seconds(at now: Double) -> Double { (now + offset / .seconds(1)).rounded(.down) }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func text(_ date: Date, _ form: Form) -> String {
        guard form != .epoch else { return "\(Int64(date.timeIntervalSince1970))" }
        let iso = date.formatted(Date.ISO8601FormatStyle())
        let numbers = iso.split { !$0.isNumber }
        guard form == .gmt, numbers.count == 6, let month = Int(numbers[1]), let day = Int(numbers[2]) else { return iso }
        // With two digits of the day, as Amazon writes it.
        let paddedDay = day < 10 ? "0\(day)" : "\(day)"
        return "\(paddedDay) \(months[month - 1]) \(numbers[0]) \(numbers[3]):\(numbers[4]):\(numbers[5]) GMT"
    }
}
