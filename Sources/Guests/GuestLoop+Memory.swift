// What a thread gives back when guests have too much memory together.
extension GuestLoop {
    /// Closes a client's connections that have memory beyond the free amount: others need it (``GuestMemory``).
    func dropUnread(of client: RateLimit) {
        for case let socket? in sockets where socket.slot.rateLimit === client && socket.connection.granted > 0 {
            serve(socket.token) { $0.perform(.drop(.memory)) }
        }
    }
}
