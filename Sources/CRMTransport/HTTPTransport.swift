import Synchronization

/// Outbound HTTP under one egress policy: a connection pool and a thread of its own, so that neither policies nor authorities mix.
///
/// Redirects are never followed, nothing is retried, cookies and proxies do not exist.
package final class HTTPTransport: Sendable {
    package typealias Completion = @Sendable (Result<HTTPResponse, HTTPFailure>) -> Void

    private let loop: TransportLoop
    private let lastID = Atomic<UInt64>(0)

    /// What is asked of the network, for whoever wants to watch: every address that a name turned out to have and that libcurl was about to
    /// connect to, and whether it was let.
    package typealias Watcher = @Sendable (_ address: IPAddress, _ isAllowed: Bool) -> Void

    /// `caFile` holds certificate authorities beside the system's. `names` are not asked of the resolver: their addresses are these, in this
    /// order, and are judged like any other.
    package init(
        policy: EgressPolicy, caFile: String? = nil, userAgent: String = "crm-host", names: [String: [String]] = [:],
        watcher: Watcher? = nil
    ) throws(TransportSetupError) {
        try CurlLibrary.prepare()
        loop = try TransportLoop(
            rules: Exchange.Rules(policy: policy, caFile: caFile, userAgent: userAgent, names: names, watcher: watcher))
        do {
            try DetachedThread.start { [loop] in loop.run() }
        } catch {
            throw TransportSetupError(error.description)
        }
    }

    deinit { loop.stop() }

    /// A new number for `start`; never 0.
    package func makeID() -> UInt64 { lastID.add(1, ordering: .relaxed).newValue }

    /// Begins a call. `completion` comes exactly once, on the transport's thread and never from inside this function. False: the transport
    /// was shut down, and `completion` will not come.
    package func start(_ request: HTTPRequest, id: UInt64, completion: @escaping Completion) -> Bool {
        loop.submit(Exchange(id: id, request: .success(request), completion: completion))
    }

    /// Lets a call fail that was refused before it came here, by the same road as every other failure.
    package func refuse(_ failure: HTTPFailure, id: UInt64, completion: @escaping Completion) -> Bool {
        loop.submit(Exchange(id: id, request: .failure(failure), completion: completion))
    }

    /// Gives a call up; its completion still comes. An id that is unknown or finished is ignored.
    package func cancel(_ id: UInt64) { loop.cancel(id) }

    package func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse {
        let id = makeID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<HTTPResponse, HTTPFailure>, Never>) in
                let isTaken = start(request, id: id) { continuation.resume(returning: $0) }
                if !isTaken { continuation.resume(returning: .failure(.cancelled)) }
                // The handler below may have run before there was anything to cancel.
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
        return try result.get()
    }

    /// Ends the thread and closes all connections; what is under way fails as cancelled.
    package func shutdown() { loop.stop() }
}
