internal import CRMCore
internal import FoundationEssentials
internal import Logging

/// One request as a handler sees it: routed, authenticated where its route says so, its body parsed.
struct Call: Sendable {
    let api: APIDependencies
    let configuration: APIConfiguration
    let documentation: Documentation
    let method: String
    let path: String
    let parameters: [String: String]
    let query: QueryString
    /// `nil` when there was none.
    let body: JSONValue?
    let idempotencyKeys: [String]
    /// Who asks, through which request, from where.
    let caller: RequestContext
    let logger: Logger

    var now: Timestamp { api.now() }
    var requestID: String { caller.requestID }

    func newID() -> UUID { .v7(at: now, random: api.random(10)) }

    /// The `Idempotency-Key`, when the client sent one.
    func idempotencyKey() throws(Problem) -> String? {
        guard let key = idempotencyKeys.first else { return nil }
        guard idempotencyKeys.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw Problem(.invalidIdempotencyKey, "The Idempotency-Key must be one header of 1 to 255 printable ASCII characters.")
        }
        return key
    }

    /// The provider that `{crm_type}` or a body names, which must be in service.
    func provider(named name: String) throws(Problem) -> ProviderDescription {
        guard let type = CRMType(name), let provider = api.providers.provider(type) else { throw unknownProvider() }
        return provider
    }

    /// Of something that the merchant has connected.
    func outOfService(_ type: CRMType) -> Problem {
        Problem(.providerUnavailable, "The provider of \(type) is out of service now; what is queued for it waits.").retry(
            after: .seconds(60))
    }

    func unknownProvider() -> Problem {
        let names = api.providers.loaded.map(\.crmType.name)
        return Problem(
            .unknownProvider,
            names.isEmpty ? "No provider is in service." : "There is no such provider. In service: \(names.joined(separator: ", ")).")
    }
}
