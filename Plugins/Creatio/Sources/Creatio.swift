package import CRMPluginSDK

/// Creatio by its OData 4 service. Each merchant has a site of his own, whose address comes with his credentials; what may be reached of
/// what he types is the host's decision.
package struct CreatioProvider: CRMProvider {
    /// Takes the place of every site and of its identity service; `nil`: the real ones.
    let replacement: String?

    package init(config: JSONObject, context: ProviderContext) throws {
        replacement = try Self.replacement(config["base_url"]?.stringValue ?? "")
    }

    package func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        try await PermissionReport(connection(context), Settings(context.settings), context).made()
    }

    package func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        try await telling(context) { conversation in try await conversation.createOrUpdate(contact) }
    }

    package func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        try await telling(context) { conversation in try await conversation.send(event, key: context.idempotencyKey) }
    }

    package func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        try await telling(context) { conversation in try await conversation.contact(query) }
    }

    package func batch(_ items: [BatchItem], _ context: OperationContext) async throws -> BatchResult {
        let connection = try connection(context)
        // What is wrong with the connection is wrong with each item: better said once, before anything is written.
        try await connection.open()
        let settings = try Settings(context.settings)
        return BatchResult(items: try await Gathering(connection, count: items.count).outcomes(of: items, settings, context))
    }
}

extension CreatioProvider {
    private func connection(_ context: OperationContext) throws(CRMError) -> Connection {
        Connection(
            try Site(context.credentials, replacement: replacement), try Credentials(context.credentials),
            try Settings(context.settings).platform, context)
    }

    private func conversation(_ context: OperationContext) throws(CRMError) -> Conversation {
        Conversation(try connection(context), try Settings(context.settings), context)
    }

    /// The warnings of a conversation are told whether it ends well or not.
    private func telling<Result>(_ context: OperationContext, _ work: (Conversation) async throws -> Result) async throws -> Result {
        let conversation = try conversation(context)
        defer { for warning in conversation.warnings { context.warn(warning) } }
        return try await work(conversation)
    }

    private static func replacement(_ text: String) throws(CRMError) -> String? {
        var url = text
        while url.hasSuffix("/") { url.removeLast() }
        if url.isEmpty, text.isEmpty { return nil }
        let host = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        guard let host, !host.isEmpty, !host.hasPrefix("/"), !host.contains(where: { "?#@ ".contains($0) }) else {
            throw CRMError(
                .invalidArgument, code: "creatio.bad_base_url",
                message: "base_url must be empty or an address without query and fragment, such as http://127.0.0.1:8003/creatio")
        }
        return url
    }
}
