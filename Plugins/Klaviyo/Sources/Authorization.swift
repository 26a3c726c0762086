package import CRMPluginSDK

/// One call of Klaviyo's API: where it goes, which scope a key needs for it, and which of the account's budgets it spends.
struct Endpoint: Sendable {
    let method: HTTPRequest.Method
    let path: String
    /// The path without ids.
    let route: String
    let scope: String
    let rateClass: RateClass

    /// Its path names one record, which may be missing.
    var isOfOneRecord: Bool { route.hasSuffix("{id}") }

    init(_ method: HTTPRequest.Method, _ path: String, route: String? = nil, scope: String, _ rateClass: RateClass) {
        self.method = method
        self.path = path
        self.route = "\(method.rawValue) \(route ?? path)"
        self.scope = scope
        self.rateClass = rateClass
    }

    static let accounts = Endpoint(.get, "/api/accounts", scope: "accounts:read", .accounts)
}

extension KlaviyoProvider {
    /// The newest revision whose shapes this provider was checked against; a request without one is refused.
    private static let revision = "2026-10-15"
    private static let mediaType = "application/vnd.api+json"

    /// The answer when it is a success; any other is thrown as what `Errors.swift` makes of it.
    func send(_ endpoint: Endpoint, query: String = "", body: JSONValue? = nil, _ context: OperationContext) async throws -> HTTPResponse {
        var headers = [
            HTTPHeader("Authorization", "Klaviyo-API-Key \(try apiKey(context))", isSensitive: true),
            HTTPHeader("revision", Self.revision),
            HTTPHeader("Accept", Self.mediaType),
        ]
        if body != nil { headers.append(HTTPHeader("Content-Type", Self.mediaType)) }
        let url = baseURL + endpoint.path + (query.isEmpty ? "" : "?\(query)")
        let response = try await context.http.send(
            HTTPRequest(endpoint.method, url, route: endpoint.route, headers: headers, body: body?.serialized() ?? []))
        if let quota = Quota(response, endpoint.rateClass) { context.report(quota) }
        guard response.isSuccess else {
            context.setRateClass(endpoint.rateClass.rawValue)
            throw CRMError(response, endpoint, context)
        }
        return response
    }

    private func apiKey(_ context: OperationContext) throws(CRMError) -> String {
        guard let key = context.credentials["api_key"]?.stringValue, !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw CRMError(
                .invalidCredentials, code: "klaviyo.malformed_api_key",
                message: "the API key is empty or has a character that no key has")
        }
        return key
    }
}

extension KlaviyoProvider {
    package func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        do {
            let response = try await send(.accounts, context)
            guard let account = RemoteAccount(response.json?["data"]?.arrayValue?.first) else {
                throw CRMError.unreadable(.accounts)
            }
            return CredentialCheck(account: account, permissions: permissions(accounts: .proven))
        } catch let error as CRMError where error.status == .permissionDenied {
            // Klaviyo refuses the scope only after it has recognised the key.
            return CredentialCheck(account: nil, permissions: permissions(accounts: .missing))
        }
    }

    /// Only a call shows whether a key has a scope, and the others would write or read customers.
    private func permissions(accounts: Permission.State) -> [Permission] {
        [
            Permission(.validateCredentials, accounts, detail: Endpoint.accounts.scope),
            Permission(.createOrUpdateContact, .unknown, detail: Endpoint.importProfile.scope),
            Permission(.sendEvent, .unknown, detail: Endpoint.createEvent.scope),
            Permission(.getContact, .unknown, detail: Endpoint.listProfiles.scope),
        ]
    }
}

extension RemoteAccount {
    init?(_ resource: JSONValue?) {
        guard let id = resource?["id"]?.stringValue else { return nil }
        let information = resource?["attributes"]?["contact_information"]
        self.init(
            id: id, name: information?["organization_name"]?.stringValue ?? id, url: information?["website_url"]?.stringValue)
    }
}
