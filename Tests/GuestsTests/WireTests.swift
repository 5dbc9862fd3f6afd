import TestSupport
import Testing

@testable import Guests

/// The connections of `fixtures/wire`; its `README.md` explains the format.
struct WireTests {
    @Test(arguments: try WireCase.all())
    func `a connection matches its file`(_ wire: WireCase) async throws {
        try await LiveServer.run { server in
            try await wire.play(over: RawConnection(to: server.port, from: wire.guest ?? Guests.web))
        }
    }
}
