/// Conditions on a request; all that are given must hold.
package struct RequestPattern: Sendable, Equatable {
    var method: String?
    var path: PathPattern?
    var instance: String?
    var token: TokenState?

    package init(method: String? = nil, path: PathPattern? = nil, instance: String? = nil, token: TokenState? = nil) {
        (self.method, self.path, self.instance, self.token) = (method, path, instance, token)
    }

    package func matches(_ request: EmulatedRequest) -> Bool {
        if let method, method != request.method { return false }
        if let instance, instance != request.instance { return false }
        if let token, token != request.token { return false }
        return path.map { $0.matches(request.path) } ?? true
    }

    /// In words, for reports: `GET of meta-data/** with token wrong`.
    package var summary: String {
        var words = "\(method ?? "request")\(path.map { " of \($0)" } ?? "")"
        if let instance { words += " at instance \(instance)" }
        if let token { words += token == .none ? " without a token" : " with token \(token.rawValue)" }
        return words
    }
}
