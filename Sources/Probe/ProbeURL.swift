import Common
package import Sockets

/// Why a URL cannot be asked.
package struct ProbeURLError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// The base of a metadata server's paths: `http://HOST[:PORT][/PATH]`. Metadata servers have no TLS.
package struct ProbeURL: Sendable {
    /// As it was given, without a final slash.
    package let text: String
    /// The host as a URL and `Host` spell it, an IPv6 address in brackets and without its zone.
    package let authority: String
    /// What comes before each path; empty or `/` and names, without a final slash.
    package let prefix: String
    private let host: String
    private let port: UInt16

    /// - Throws: `ProbeURLError` for a URL that is not of this form.
    package init(_ text: String) throws(ProbeURLError) {
        func failure(_ problem: String) -> ProbeURLError {
            ProbeURLError(description: "'\(text.cleaned())': \(problem): expected a URL such as http://169.254.169.254/")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.utf8.count <= 1024 else {
            throw failure("a URL has printable ASCII characters only, and at most 1024")
        }
        guard text.lowercased().hasPrefix("http://") else {
            throw failure(text.contains("://") ? "only http is supported" : "not a URL")
        }
        var rest = text.dropFirst("http://".count)
        guard !rest.contains("?"), !rest.contains("#") else { throw failure("a query or fragment is not supported") }
        let path = rest.firstIndex(of: "/").map { rest[$0...] } ?? ""
        rest = rest.prefix { $0 != "/" }
        guard !rest.contains("@") else { throw failure("a user name is not supported") }
        var prefix = path
        while prefix.last == "/" { prefix = prefix.dropLast() }
        self.prefix = String(prefix)
        var name = rest
        var number: UInt16? = 80
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]") else { throw failure("']' is missing") }
            name = rest[rest.index(after: rest.startIndex)..<close]
            let after = rest[rest.index(after: close)...]
            if !after.isEmpty { number = after.first == ":" ? UInt16(after.dropFirst()) : nil }
        } else if let colon = rest.firstIndex(of: ":") {
            name = rest[..<colon]
            number = UInt16(rest[rest.index(after: colon)...])
        }
        guard !name.isEmpty else { throw failure("the host is missing") }
        guard let number, number > 0 else { throw failure("invalid port") }
        // A zone is separated by %25 (RFC 6874); a plain % is common.
        host = String(name).replacing("%25", with: "%")
        port = number
        let shown = host.contains(":") ? "[\(host.prefix { $0 != "%" })]" : host
        authority = number == 80 ? shown : "\(shown):\(number)"
        self.text = "http://\(rest)\(prefix)"
    }

    /// - Throws: `ProbeURLError` where the host cannot be resolved.
    package func addresses() throws(ProbeURLError) -> [ServerAddress] {
        do throws(ServerAddress.Unresolved) {
            return try ServerAddress.resolve(host, port: port)
        } catch {
            throw ProbeURLError(description: "\(text): cannot resolve '\(host.cleaned())': \(error)")
        }
    }
}
