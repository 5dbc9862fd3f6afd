import Common
import Guests
import Identity
import Logging
import NIOCore
import VendorData

/// How a value is written: read and printed by one type, so that what is printed can be read.
struct ValueForm<Value>: Sendable {
    /// The values that are accepted, as far as they can be named.
    enum Accepted: Sendable {
        case range(String)
        case choices([String])
    }

    /// The placeholder in help texts.
    let placeholder: String
    var accepted: Accepted?
    let read: @Sendable (String) throws(Setting.BadValue) -> Value
    let write: @Sendable (Value) -> String
}

extension ValueForm<String> {
    static func text(
        _ placeholder: String, _ read: @escaping @Sendable (String) throws(Setting.BadValue) -> String = Read.anything
    ) -> ValueForm {
        ValueForm(placeholder: placeholder, read: read) { $0 }
    }
}

extension ValueForm<Int> {
    static func count(_ range: ClosedRange<Int>, _ placeholder: String = "count") -> ValueForm {
        let isOpen = range.upperBound > Int(UInt32.max)
        let text = isOpen ? "at least \(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
        return ValueForm(
            placeholder: placeholder, accepted: .range(text),
            read: { text throws(Setting.BadValue) in try Read.count(text, range) }, write: { "\($0)" })
    }
}

extension ValueForm<Duration> {
    static var duration: ValueForm {
        ValueForm(
            placeholder: "duration", read: { text throws(Setting.BadValue) in try Read.duration(text) }, write: Read.text(of:))
    }

    static func duration(upTo longest: Duration) -> ValueForm {
        ValueForm(
            placeholder: "duration", accepted: .range("up to \(Read.text(of: longest))"),
            read: { text throws(Setting.BadValue) in try Read.duration(text, upTo: longest) }, write: Read.text(of:))
    }
}

extension ValueForm where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
    /// One of a few words.
    static func choice(_ placeholder: String) -> ValueForm {
        let choices = Value.allCases.map(\.rawValue)
        return ValueForm(
            placeholder: placeholder, accepted: .choices(choices),
            read: { text throws(Setting.BadValue) in
                guard let value = Value(rawValue: text.lowercased()) else {
                    throw Setting.BadValue(text, expected: Read.list(of: choices))
                }
                return value
            }, write: \.rawValue)
    }
}

extension ValueForm<SocketAddress> {
    static var socketAddress: ValueForm {
        ValueForm(placeholder: "address:port", read: Read.socketAddress, write: \.inBrackets)
    }
    static var loopbackAddress: ValueForm {
        ValueForm(placeholder: "address:port", read: Read.loopbackAddress, write: \.inBrackets)
    }
}

extension ValueForm<AddressRange> {
    static var addressRange: ValueForm {
        ValueForm(placeholder: "cidr", read: Read.range, write: \.description)
    }
}

extension ValueForm<ClosedRange<UInt16>> {
    static var ports: ValueForm {
        ValueForm(placeholder: "first-last", accepted: .range("1024-65535"), read: Read.ports) {
            "\($0.lowerBound)-\($0.upperBound)"
        }
    }
}

extension ValueForm<VendorDataTarget> {
    static var vendorDataTarget: ValueForm {
        ValueForm(placeholder: "name@url", read: Read.target) { "\($0.name)@\($0.url)" }
    }
}
