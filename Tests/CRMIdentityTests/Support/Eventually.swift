import Testing

/// Waits for work in the background; the deadline only ends a test that would fail anyway.
func eventually(_ condition: () async -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while await !condition() {
        try #require(ContinuousClock.now < deadline, "did not happen in time", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(1))
    }
}
