import NIOHTTP1

/// What the fields of a request say about its origin: the host name that it uses for the server, whether a browser sent it, and
/// whether a proxy forwarded it.
struct RequestOrigin: Sendable {
    var host = FieldValue.absent
    /// Whether it has a field that only a browser sends, and that a page can neither make nor remove: `Origin`, or
    /// `Sec-Fetch-Site`. No browser sends any of the other `Sec-Fetch-*` without this one, and some libraries that are no
    /// browsers do.
    var isFromPage = false
    /// Whether it has another mark of a browser.
    var hasMarkOfBrowser = false
    /// Whether a proxy has added its name.
    var isForwarded = false

    /// The refusal of a request whose origin cannot be trusted; `nil` as a rule.
    func refusal(of request: GuestRequest, _ names: HostNames) -> Reply? {
        if host == .repeated { return .badRequest }
        // RFC 9112 §3.2.2: of a whole URL the authority counts, not the field.
        if let authority = request.authority {
            guard names.contains(authority) else { return .badRequest }
        } else if isFromPage || hasMarkOfBrowser, case .once(let host) = host, !names.contains(host) {
            return .forbidden
        }
        // No cloud agent is a page. A browser sends a page's POST to another host without a preflight.
        return isFromPage && (request.method == .PUT || request.method == .POST) ? .forbidden : nil
    }
}
