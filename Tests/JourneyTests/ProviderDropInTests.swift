import CRMCore
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct ProviderDropInTests {
    @Test func aProviderInCComesGoesAndComesBackWhileTheHostIsUnderLoad() async throws {
        let service = try await RunningService()
        let client = try await service.merchant("dropin@example.test")
        let stop = Flag()
        let load = Task { try await keepSending(client, until: stop) }

        try dropIn(service)
        let listed = try await eventually("the provider is listed", within: .seconds(10)) {
            try await client.get("/crm/providers").body["data"]?.arrayValue?.first { $0["crm_type"] == "echo" }
        }
        #expect(listed["version"]?.stringValue != nil)

        let key: JSONValue = ["crm_type": "echo", "credentials": ["api_key": "echo_sandbox"]]
        let valid = try await client.post("/crm/validate", key)
        #expect(valid.status == 200 && valid.body["valid"] == true, "\(valid.text)")
        #expect(try await client.post("/crm/connect", key).status == 201)
        try await sendEcho(client, "echo-1")
        try await eventually("the first event arrives") { try await arrivedAtEcho(service).contains("echo-1") ? () : nil }

        // Gone with an event still waiting.
        let entry = service.directory.appendingPathComponent("config/providers.d/echo.yaml")
        let text = try String(contentsOf: entry, encoding: .utf8)
        try FileManager.default.removeItem(at: entry)
        try await eventually("validate answers 404") {
            let answer = try await client.post("/crm/validate", key)
            return answer.status == 404 && answer.body["code"] == "unknown_provider" ? () : nil
        }
        let waiting = try await sendEcho(client, "echo-2")
        let held = try await client.get("/crm/deliveries/\(waiting)")
        #expect(held.body["waiting"]?["reason"] == "provider_unavailable", "\(held.text)")
        #expect(try await client.get("/crm/echo/status").body["state"] == "provider_unavailable")
        #expect(try await !arrivedAtEcho(service).contains("echo-2"))

        try text.write(to: entry, atomically: true, encoding: .utf8)
        try await eventually("the event that waited arrives") { try await arrivedAtEcho(service).contains("echo-2") ? () : nil }

        stop.raise()
        let sent = try await load.value
        #expect(sent > 0)
        try await eventually("nothing to Klaviyo is left") {
            try await client.get("/crm/klaviyo/status").body["pending"] == 0 ? () : nil
        }
        let klaviyo = try await service.journal("klaviyo")
        #expect(klaviyo.filter { $0["effect"] == "event_recorded" }.count == sent)
        #expect(service.host.currentEnding == nil)
    }

    @Test func whatCannotBeLoadedIsNamedAndTouchesNothing() async throws {
        let service = try await RunningService()
        let client = try await service.merchant("broken@example.test")
        let entries = service.directory.appendingPathComponent("config/providers.d")
        let library = service.directory.appendingPathComponent("providers/libBroken.so")
        try Data("not a library".utf8).write(to: library)
        try RunningService.entry(library: "libBroken.so", base: "x", origin: service.sandboxBase)
            .write(to: entries.appendingPathComponent("broken.yaml"), atomically: true, encoding: .utf8)
        try "libary: libKlaviyoProvider.so\nenabled: true\n"
            .write(to: entries.appendingPathComponent("typo.yaml"), atomically: true, encoding: .utf8)
        try RunningService.entry(library: "libKlaviyoProvider.so", base: service.sandboxBase, origin: service.sandboxBase)
            .write(to: entries.appendingPathComponent("second.yaml"), atomically: true, encoding: .utf8)

        let admin = JSONClient(base: service.adminBase)
        let report = try await eventually("three files are refused") {
            let text = try await admin.get("/providers").text
            return ["broken.yaml", "typo.yaml", "second.yaml", "libary"].allSatisfy(text.contains) ? text : nil
        }
        #expect(report.contains("klaviyo.yaml"))
        let list = try await service.command(["providers", "list"])
        #expect(list.ending == .exited(0))
        for name in ["broken.yaml", "typo.yaml", "second.yaml", "klaviyo.yaml"] { #expect(list.output.contains(name), "\(list.output)") }
        #expect(service.host.errorOutput.contains("typo.yaml"))
        #expect(try await client.get("/crm/providers").body["data"]?.arrayValue?.count == 1)
        #expect(
            try await client.post(
                "/crm/validate", ["crm_type": "klaviyo", "credentials": ["api_key": "pk_sandbox_broken@example.test"]]
            ).body["valid"] == true)
    }

    /// Compiles the C example against nothing but the header, and puts it where the host looks.
    private func dropIn(_ service: RunningService) throws {
        let draft = service.directory.appendingPathComponent("libEchoProvider.so")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/cc")
        compiler.arguments = [
            "-shared", "-fPIC", "-fvisibility=hidden", "-O2", "-Wall", "-Werror",
            "-I", RunningService.checkout.appendingPathComponent("Sources/CRMPluginAPI/include").path,
            RunningService.checkout.appendingPathComponent("Examples/c-echo/echo.c").path, "-o", draft.path,
        ]
        try compiler.run()
        compiler.waitUntilExit()
        #expect(compiler.terminationStatus == 0)
        try RunningService.copy(draft.path, to: service.directory.appendingPathComponent("providers/libEchoProvider.so"))
        try RunningService.entry(library: "libEchoProvider.so", base: service.sandboxBase + "/echo", origin: service.sandboxBase)
            .write(to: service.directory.appendingPathComponent("config/providers.d/echo.yaml"), atomically: true, encoding: .utf8)
    }

    /// Events to Klaviyo until told to stop; every one must be accepted.
    private func keepSending(_ client: JSONClient, until stop: Flag) async throws -> Int {
        var sent = 0
        while !stop.isRaised {
            let answer = try await client.post(
                "/crm/klaviyo/events",
                ["name": "Viewed Product", "unique_id": "load-\(sent)", "contact": ["email": "load\(sent % 20)@example.test"]])
            guard answer.status == 202 else { throw UnexpectedAnswer(answer) }
            sent += 1
        }
        return sent
    }

    @discardableResult
    private func sendEcho(_ client: JSONClient, _ id: String) async throws -> String {
        let answer = try await client.post(
            "/crm/echo/events", ["name": "Said Hello", "unique_id": .string(id), "contact": ["email": "echo@example.test"]])
        guard answer.status == 202, let delivery = answer.body["deliveries"]?.arrayValue?.first?["delivery_id"]?.stringValue else {
            throw UnexpectedAnswer(answer)
        }
        return delivery
    }

    private func arrivedAtEcho(_ service: RunningService) async throws -> [String] {
        try await service.journal("echo").filter { $0["effect"] == "event_recorded" }.compactMap { $0["unique_id"]?.stringValue }
    }
}

/// Tells another task that it is enough.
private final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
}
