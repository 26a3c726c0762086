import CRMPluginSDK

/// A provider with a session that all operations of a connection share.
struct SessionProvider: CRMProvider {
    static let manifest = ProviderManifest(
        crmType: "session", displayName: "Session", version: "1.0.0", capabilities: [.sendEvent, .getContact],
        credentialSchema: .emptyObjectSchema, egress: ["crm.test:443"])

    init(config: JSONObject, context: ProviderContext) throws {}

    func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        switch event.name {
        case "look":
            let found = await context.cache.look("session").map(Self.text)
            return SentEvent(remoteID: found ?? "nothing", isAcceptedOnly: false)
        case "long key": return try await send(event, with: String(repeating: "k", count: 300), context)
        case "impatient": return try await sendImpatiently(event, context)
        default: return try await send(event, with: "session", context)
        }
    }

    func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        let response = try await context.http.send(HTTPRequest(.get, "https://crm.test/cookies", route: "GET /cookies"))
        context.metrics.count("cookies_total", by: UInt64(response.values(of: "set-cookie").count), ["kind": "session", "part": "a"])
        context.metrics.count("plain_total")
        context.metrics.record("wait_seconds", 0.25, ["kind": "login"])
        return FoundContact(
            contact: Contact(email: response.values(of: "set-cookie").joined(separator: "|")),
            remoteID: response.header("set-cookie") ?? "-")
    }

    /// Asks for the session in a child that is given up after a second, and then waits for something else.
    private func sendImpatiently(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        let answer = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { (try? await context.cache.value("session") { throw CancellationError() }).map(Self.text) ?? "given up" }
            group.addTask {
                try await context.sleep(for: .seconds(1))
                return nil
            }
            while let answer = try await group.next() {
                if let answer { return answer }
                group.cancelAll()
            }
            return "none"
        }
        try await context.sleep(for: .seconds(1))
        return SentEvent(remoteID: answer, isAcceptedOnly: false)
    }

    private func send(_ event: Event, with key: String, _ context: OperationContext) async throws -> SentEvent {
        let session = try await context.cache.value(key) { try await Self.logIn(context) }
        let response = try await context.http.send(
            HTTPRequest(
                .post, "https://crm.test/events", route: "POST /events",
                headers: [HTTPHeader("Authorization", "Bearer \(Self.text(session))")], body: JSONValue.string(event.name).serialized()))
        if response.status == 401 {
            context.cache.remove(key, stale: session)
            throw CRMError(.unavailable, code: "session.dead", message: "the session has ended", flags: .retryable)
        }
        return SentEvent(remoteID: Self.text(session), isAcceptedOnly: false)
    }

    private static func logIn(_ context: OperationContext) async throws -> SessionCache.Made {
        let response = try await context.http.send(HTTPRequest(.post, "https://crm.test/login", route: "POST /login"))
        guard response.isSuccess else { throw CRMError(.upstream, code: "session.no_login", message: "no session came about") }
        return SessionCache.Made(response.body, timeToLive: .seconds(60))
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
