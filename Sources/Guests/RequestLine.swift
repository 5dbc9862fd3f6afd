import NIOHTTP1

/// The first line of a request: method, target and version (RFC 9112 §3).
struct RequestLine {
    /// The methods that are parsed, as IANA lists them and some older ones; a request with another is refused.
    private static let methods: [String: HTTPMethod] = {
        let names = """
            GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND \
            ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK QUERY
            """
        return Dictionary(
            uniqueKeysWithValues: names.split(separator: " ").map { (String($0), HTTPMethod(rawValue: String($0))) })
    }()
    private static let longestMethod = 11

    private(set) var method = HTTPMethod.GET
    private(set) var target = ""
    /// Whether the version is 1.0, and not 1.1.
    private(set) var isHTTP10 = false

    init() {}

    init(method: HTTPMethod, target: String, isHTTP10: Bool) {
        (self.method, self.target, self.isHTTP10) = (method, target, isHTTP10)
    }

    /// Parses a line; `nil` for one that is no request's.
    init?(_ line: Span<UInt8>) {
        guard let space = line.index(of: .space, from: 0), let method = Self.method(line.extracting(..<space)) else { return nil }
        var start = space
        while start < line.count, line[start] == .space { start += 1 }
        guard let end = line.index(of: .space, from: start) else { return nil }
        var version = end
        while version < line.count, line[version] == .space { version += 1 }
        guard let isHTTP10 = Self.isHTTP10(line.extracting(version...)) else { return nil }
        let target = line.extracting(start..<end)
        guard target.isTarget(ofCONNECT: method == .CONNECT) else { return nil }
        (self.method, self.target, self.isHTTP10) = (method, String(repairing: target), isHTTP10)
    }

    /// Whether a line may begin with these bytes: with a method, as far as they show it.
    static func canBegin(with bytes: Span<UInt8>) -> Bool {
        let end = bytes.index(of: .space, from: 0) ?? bytes.count
        guard end <= longestMethod else { return false }
        return bytes.indices.prefix(end).allSatisfy { bytes[$0].isOfMethod }
    }

    private static func method(_ name: Span<UInt8>) -> HTTPMethod? {
        // Nearly every request has this one.
        if name.count == 3, name.begins(with: "GET") { return .GET }
        return name.count <= longestMethod ? methods[String(repairing: name)] : nil
    }

    /// `nil` for another version, or none.
    private static func isHTTP10(_ version: Span<UInt8>) -> Bool? {
        guard version.count == 8, version.begins(with: "HTTP/1.") else { return nil }
        switch version[7] {
        case UInt8(ascii: "1"): return false
        case UInt8(ascii: "0"): return true
        default: return nil
        }
    }
}

extension UInt8 {
    static let cr = UInt8(ascii: "\r")
    static let lf = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")

    fileprivate var isOfMethod: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) || self == UInt8(ascii: "-") }

    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    /// Whether a target may contain it: any visible character of ASCII.
    fileprivate var isOfTarget: Bool { (0x21...0x7E).contains(self) }
}

extension Span<UInt8> {
    /// Whether these bytes are a target (RFC 9112 §3.2): a path, a whole URL, `*` or, for CONNECT, an authority.
    fileprivate func isTarget(ofCONNECT isOfAuthority: Bool) -> Bool {
        guard !isEmpty else { return false }
        for index in indices where !self[index].isOfTarget { return false }
        if isOfAuthority { return isAuthority(upTo: count, from: 0) }
        if self[0] == UInt8(ascii: "/") || self[0] == UInt8(ascii: "*") { return true }
        var index = 0
        while index < count, self[index].isLetter { index += 1 }
        guard index > 0, extracting(index...).begins(with: "://") else { return false }
        let start = index + 3
        let end = indices.first { $0 >= start && (self[$0] == UInt8(ascii: "/") || self[$0] == UInt8(ascii: "?")) } ?? count
        return isAuthority(upTo: end, from: start)
    }

    /// Whether a part is host and port, with no more than one user before them (RFC 3986 §3.2).
    private func isAuthority(upTo end: Int, from start: Int) -> Bool {
        var users = 0
        for index in start..<end {
            switch self[index] {
            case UInt8(ascii: "@"): users += 1
            case UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
                UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"),
                UInt8(ascii: "/"), UInt8(ascii: "?"):
                return false
            default: break
            }
        }
        return users <= 1
    }
}
