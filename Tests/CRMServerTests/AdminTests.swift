import CRMCore
import CRMServer
import Hummingbird
import TestSupport
import Testing

@Suite struct AdminTests {
    @Test func operatorsSeeTheStateOfEveryLibrary() async throws {
        let log = LogLines()
        let admin = AdminAPI(
            readiness: { .failing(part: "migrations", detail: "2 are pending.") },
            providers: { ["providers": [["crm_type": "klaviyo", "state": "in_service"]]] }, metrics: { "provider_klaviyo_calls 7\n" },
            now: { MemoryService.start }, random: { Array(repeating: 7, count: $0) })
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let application = admin.application(on: Listener(host: "127.0.0.1", port: 0), logger: log.logger) { started.yield($0) }
        let running = Task { try await application.run() }
        var iterator = ports.makeAsyncIterator()
        let client = HTTPClient(port: try #require(await iterator.next()))
        let providers = try await client.send("GET", "/providers")
        #expect(providers.json == ["providers": [["crm_type": "klaviyo", "state": "in_service"]]])
        #expect(try await client.send("GET", "/healthz").status == 200)
        let metrics = try await client.send("GET", "/metrics")
        #expect(metrics.text == "provider_klaviyo_calls 7\n")
        #expect(metrics["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        let ready = try await client.send("GET", "/readyz")
        #expect(ready.status == 503)
        #expect(ready.code == "not_ready")
        #expect(try await client.send("POST", "/providers").status == 405)
        #expect(try await client.send("GET", "/crm/list").status == 404)
        running.cancel()
        _ = await running.result
    }
}
