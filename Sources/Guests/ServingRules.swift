import Common
import NIOHTTP1

/// What all connections have in common.
final class ServingRules: Sendable {
    let responder: GuestResponder
    let limits: ConnectionLimits
    let connections: GuestConnection.Rules
    let head: RequestParser.Limits
    let keptBody: @Sendable (HTTPMethod, TreePath?) -> Int
    let onAcceptFailure: @Sendable (KernelError) -> Void

    init(
        responder: GuestResponder, limits: GuestLimits, connections: ConnectionLimits,
        onAcceptFailure: @escaping @Sendable (KernelError) -> Void
    ) {
        (self.responder, self.limits, self.onAcceptFailure) = (responder, connections, onAcceptFailure)
        self.connections = GuestConnection.Rules(limits)
        head = RequestParser.Limits(limits)
        keptBody = { responder.keptBody($0, $1) }
    }
}
