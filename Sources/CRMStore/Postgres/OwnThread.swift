internal import CPostgres
internal import Glibc

/// A thread of its own, for what blocks.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    let named = Body {
        crm_name_thread(name)
        body()
    }
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, nil,
        { context in
            if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, Unmanaged.passRetained(named).toOpaque())
    precondition(failure == 0, "the system gives no more threads")
    pthread_detach(thread)
}

/// Waits for what blocks without blocking the threads that tasks run on.
func onOwnThread<Value: Sendable, Failure: Error>(
    named name: String, _ body: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        startThread(named: name) {
            continuation.resume(returning: Result { () throws(Failure) in try body() })
        }
    }
    return try result.get()
}
