import Common
import Testing

@testable import Interception

struct RereadRequestsTests {
    private let web = InterceptionExamples.instance(1, "web").domain
    private let other = InterceptionExamples.instance(2, "other").domain

    @Test func `a domain is asked for once for a port, again for the next, and where no answer comes`() {
        let seen = ContinuousClock.now
        var requests = RereadRequests()
        #expect(requests.due([web: seen], at: seen) == [web])
        #expect(requests.due([web: seen, other: seen], at: seen + .seconds(1)) == [other])
        #expect(requests.due([web: seen + .seconds(2), other: seen], at: seen + .seconds(2)) == [web], "a newer port")
        #expect(requests.due([web: seen + .seconds(2)], at: seen + .seconds(6)).isEmpty)
        #expect(requests.due([web: seen + .seconds(2)], at: seen + .seconds(7)) == [web])
        #expect(requests.due([:], at: seen + .seconds(7)).isEmpty)
        #expect(requests.due([web: seen + .seconds(8)], at: seen + .seconds(8)) == [web])
    }
}
