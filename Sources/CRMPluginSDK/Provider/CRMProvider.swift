/// One CRM, as its author writes it. An instance serves many operations at once, for many merchants.
///
/// All code runs on a few threads of the host that it shares with other providers. So there is no blocking, no `@MainActor`, no
/// `DispatchQueue`, no `Task.sleep` (but `OperationContext.sleep`), and no socket but through `OperationContext.http`. Nothing is
/// remembered between operations unless it is keyed by `OperationContext.account`.
public protocol CRMProvider: Sendable {
    static var manifest: ProviderManifest { get }

    /// `config` is the operator's, and fits the manifest's `configSchema`. Throw `CRMError(.invalidArgument, …)` for one that cannot
    /// work. No I/O here.
    init(config: JSONObject, context: ProviderContext) throws

    func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck
    func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact
    func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent
    func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact
    func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult
}

extension CRMProvider {
    public func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        throw CRMError.unsupported(.validateCredentials)
    }

    public func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        throw CRMError.unsupported(.createOrUpdateContact)
    }

    public func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        throw CRMError.unsupported(.sendEvent)
    }

    public func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        throw CRMError.unsupported(.getContact)
    }

    public func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult {
        throw CRMError.unsupported(.batch)
    }
}
