import CRMPluginSDK
import CRMPluginTestKit

/// A provider that does what the event's name says.
struct ScriptedProvider: CRMProvider {
    struct Unforeseen: Error {
        let secret = "a secret in an error"
    }

    static let manifest = ProviderManifest(
        crmType: "scripted", displayName: "Scripted", version: "1.2.3",
        capabilities: [.validateCredentials, .sendEvent, .batch, .dryRun], credentialSchema: .emptyObjectSchema, egress: [],
        extras: ["egress": ["ignored.test:443"], "vendor": "Tests"])

    let config: JSONObject

    init(config: JSONObject, context: ProviderContext) throws {
        self.config = config
        switch config["fail"]?.stringValue {
        case "with a reason": throw CRMError(.invalidArgument, code: "scripted.bad", message: "told to fail", details: ["pointer": "/fail"])
        case "without a reason": throw Unforeseen()
        default: context.log.info("created")
        }
    }

    func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        switch event.name {
        case "sleep": try await context.sleep(for: .seconds(30))
        case "sleep with a child":
            async let first: Void = context.sleep(for: .seconds(30))
            try await first
        case "where": if !FakeWorkers.isCurrent { throw Unforeseen() }
        case "where after a sleep":
            try await context.sleep(for: .seconds(1))
            if !FakeWorkers.isCurrent { throw Unforeseen() }
        case "unforeseen": throw Unforeseen()
        case "notes": try takeNotes(context)
        case "context": return SentEvent(remoteID: Self.describe(event, context), isAcceptedOnly: false)
        case "log": context.log.warning("logged", ["count": 3])
        default: throw CRMError(.notFound, code: "scripted.no_script", message: "there is no script for this event")
        }
        return SentEvent(isAcceptedOnly: false)
    }

    func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult {
        BatchResult(
            items: items.map { item in
                switch item.kind {
                case .contact(let contact):
                    .success(remoteID: contact.email, warnings: [Warning(code: "odd", field: "phone", detail: "left out")])
                case .event:
                    .failure(
                        CRMError(
                            .rateLimited, code: "slow", message: "slow down", retryAfter: .milliseconds(1_500),
                            flags: [.retryable, .ambiguous]), warnings: [Warning(code: "late", detail: "x")])
                }
            }, job: "job-1")
    }

    private func takeNotes(_ context: OperationContext) throws {
        context.warn(code: "odd", field: "phone", "left out")
        context.report(Quota(rateClass: "all", windowSeconds: 60, limit: 10, remaining: 9, resetsInSeconds: 5))
        context.report(Quota(rateClass: "all", windowSeconds: 60, limit: 10, remaining: 8, resetsInSeconds: 4))
        context.setRateClass("all")
        context.updateCredentials(["token": "new"])
        throw CRMError(.rateLimited, code: "slow", message: "slow down", retryAfter: .seconds(2), flags: .retryable, details: ["x": 1])
    }

    private static func describe(_ event: Event, _ context: OperationContext) -> String {
        let remaining = context.remaining.map { "\($0.components.seconds)s" } ?? "-"
        return [
            context.account, context.idempotencyKey, "\(context.attempt)", "\(context.isDryRun)", "\(context.looksBeforeWrite)", remaining,
            context.credentials["token"]?.stringValue ?? "-", context.settings["list"]?.stringValue ?? "-", event.contact.email ?? "-",
        ].joined(separator: " ")
    }
}
