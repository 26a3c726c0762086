internal import CRMPluginSDK

/// One call of Klaviyo's API: where it goes, which scopes a key needs for it, and which of the account's budgets it spends.
struct Endpoint: Sendable {
    let method: HTTPRequest.Method
    let path: String
    /// The path without ids.
    let route: String
    let scopes: [String]
    let rateClass: RateClass

    /// Its path names one record, which may be missing.
    var isOfOneRecord: Bool { route.contains("{id}") }
    /// Its body may name a list.
    var namesAList: Bool { rateClass == .subscriptions }

    init(_ method: HTTPRequest.Method, _ path: String, route: String? = nil, scopes: [String], _ rateClass: RateClass) {
        self.method = method
        self.path = path
        self.route = "\(method.rawValue) \(route ?? path)"
        self.scopes = scopes
        self.rateClass = rateClass
    }
}

extension KlaviyoProvider {
    /// The newest revision whose shapes this provider was checked against; a request without one is refused.
    private static let revision = "2026-10-15"
    private static let mediaType = "application/vnd.api+json"

    /// The answer when it is a success; any other is thrown as what `Errors.swift` makes of it.
    /// Only a wait has a class, and only where the caller does not go on without the answer.
    func send(
        _ endpoint: Endpoint, query: String = "", body: JSONValue? = nil, isOptional: Bool = false, _ context: OperationContext
    ) async throws -> HTTPResponse {
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
            if response.status == 429, !isOptional { context.setRateClass(endpoint.rateClass.rawValue) }
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
