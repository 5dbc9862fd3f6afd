package import Common

/// A request as rules and the access log see it: complete, and not answered yet.
package struct EmulatedRequest: Sendable {
    /// Its number among all requests of the emulator, from 1, in the order in which their last bytes came.
    package let number: Int
    /// When its last byte came, by the emulator's clock.
    package let moment: Duration
    /// The name of the instance whose guest sent it; `nil` for a client that is no instance's.
    package let instance: String?
    package let method: String
    /// As it was sent, with the query.
    package let target: String
    /// The path of the target; `nil` where it can be no path of a tree.
    package let path: TreePath?
    /// The fields of its head, in order, as they were sent.
    package let headers: [HeaderField]
    package let token: TokenState

    package var isHead: Bool { method == "HEAD" }
}

/// One field of a head.
package struct HeaderField: Sendable, Equatable {
    package let name, value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// What a request presents as session token.
package enum TokenState: String, Sendable, CaseIterable {
    /// No token.
    case none
    case good
    /// A token of this instance, whose time is over.
    case expired
    /// No token of this instance, or several.
    case wrong
}
