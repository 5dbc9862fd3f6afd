/// The seam between the server's own behaviour and what an emulator adds to it: a scenario, rules, expectations.
///
/// The server itself has no such seam: it does not depend on this module. For one emulator these functions are called one at a
/// time, on the thread of its connections; none may wait.
package protocol RequestDirector: Sendable {
    /// A request is complete. The reply is decided when this returns: a change of the instance's values shows in it.
    func received(_ request: EmulatedRequest, by instance: EmulatedInstance)

    /// The reply is decided, and nothing is sent yet: changes what is sent.
    ///
    /// - Returns: the name of the rule that changed it, for the access log; `nil` where none did.
    func direct(_ plan: inout WirePlan, for request: EmulatedRequest, by instance: EmulatedInstance) -> String?

    /// The last byte of a reply has been handed over, or the connection has ended before.
    func ended(_ record: AccessRecord)
}

/// The server's own behaviour: nothing is changed.
package struct FaithfulDirector: RequestDirector {
    package init() {}

    package func received(_ request: EmulatedRequest, by instance: EmulatedInstance) {}

    package func direct(_ plan: inout WirePlan, for request: EmulatedRequest, by instance: EmulatedInstance) -> String? { nil }

    package func ended(_ record: AccessRecord) {}
}
