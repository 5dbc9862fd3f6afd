/// Whether a condition becomes true in time. Only this function lets tests wait, always for a visible condition.
///
/// - Parameters:
///   - limit: how long a busy machine may take.
///   - pause: how long it waits between two looks; a look that starts a program costs more than one at a value.
///   - condition: what is looked at, at least once.
/// - Throws: what the condition throws, and `CancellationError` where the test's time is up.
package func eventually(
    within limit: Duration = .seconds(10), every pause: Duration = .milliseconds(20), _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: pause)
    }
    return try await condition()
}
