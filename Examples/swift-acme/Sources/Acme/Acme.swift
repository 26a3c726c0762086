public import CRMPluginSDK

/// Acme, a CRM that does not exist, with an API of the kind that many have: JSON over REST, a token, contacts by e-mail address, events
/// with an idempotency key. Put yours in its place.
public struct AcmeProvider: CRMProvider {
    private let baseURL: String

    /// Called once for each entry of an operator, with the `config` that fits `configSchema`. No I/O here.
    public init(config: JSONObject, context: ProviderContext) throws {
        let url = config["base_url"]?.stringValue ?? ""
        baseURL = url.isEmpty ? Self.defaultURL : url
        guard ["https://", "http://"].contains(where: baseURL.hasPrefix), !baseURL.hasSuffix("/") else {
            throw CRMError(
                .invalidArgument, code: "acme.bad_base_url", message: "base_url must be an address without a slash at its end")
        }
    }

    private static let defaultURL = "https://api.acme.example"

    // MARK: Operations

    public func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        guard let account = try await send(.get, "/v1/account", context).json, let id = account["id"]?.stringValue else {
            throw Self.unreadable
        }
        let granted = Set((account["scopes"]?.arrayValue ?? []).compactMap(\.stringValue))
        func permission(_ operation: ProviderOperation, _ scope: String) -> Permission {
            granted.contains(scope)
                ? Permission(operation, .proven, detail: scope)
                : Permission(operation, .missing, detail: "give the token the scope \(scope)")
        }
        return CredentialCheck(
            account: RemoteAccount(id: id, name: account["name"]?.stringValue ?? id),
            permissions: [
                permission(.createOrUpdateContact, "contacts:write"), permission(.getContact, "contacts:read"),
                permission(.sendEvent, "events:write"),
            ])
    }

    public func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        let response = try await send(.put, "/v1/contacts", body: try fields(of: contact, context), context)
        guard let id = response.json?["id"]?.stringValue else { throw Self.unreadableWrite }
        return WrittenContact(remoteID: id, isNew: response.status == 201)
    }

    public func sendEvent(_ event: Event, _ context: OperationContext) async throws -> SentEvent {
        var body: JSONObject = ["name": .string(event.name), "attributes": .object(event.properties)]
        body["contact"] = try fields(of: event.contact, context)
        body.set("occurred_at", event.occurredAt)
        body.set("amount", event.value.map { .number($0.amount) })
        body.set("currency", event.value?.currency)
        let response = try await send(.post, "/v1/events", body: .object(body), context)
        guard let id = response.json?["id"]?.stringValue else { throw Self.unreadableWrite }
        return SentEvent(remoteID: id, isAcceptedOnly: response.status == 202)
    }

    public func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        let response =
            switch query {
            case .email(let email): try await send(.get, "/v1/contacts", query: "email=\(PercentEncoding.encode(email))", context)
            case .externalID(let id): try await send(.get, "/v1/contacts", query: "external_id=\(PercentEncoding.encode(id))", context)
            case .remoteID(let id): try await send(.get, "/v1/contacts/\(PercentEncoding.encode(id))", route: "/v1/contacts/{id}", context)
            }
        guard let record = response.json, let id = record["id"]?.stringValue else { throw Self.unreadable }
        let text = { (name: String) in record[name]?.stringValue }
        let contact = Contact(
            email: text("email"), externalID: text("external_id"), phone: text("phone"), firstName: text("first_name"),
            lastName: text("last_name"), properties: record["attributes"]?.objectValue ?? [:])
        return FoundContact(contact: contact, remoteID: id, updatedAt: text("updated_at"))
    }

    // MARK: Fields

    /// What was not said is not sent, so that it stays as it is. What Acme has no field for is named in a warning: nothing is dropped in
    /// silence.
    private func fields(of contact: Contact, _ context: OperationContext) throws -> JSONValue {
        guard contact.email != nil || contact.externalID != nil else {
            throw CRMError(.invalidArgument, code: "acme.no_identity", message: "Acme knows contacts by email or external_id")
        }
        var fields = JSONObject()
        fields.set("email", contact.email)
        fields.set("external_id", contact.externalID)
        fields.set("phone", contact.phone)
        fields.set("first_name", contact.firstName)
        fields.set("last_name", contact.lastName)
        if !contact.properties.isEmpty { fields["attributes"] = .object(contact.properties) }
        let unknown: [(field: String, isThere: Bool)] = [
            ("title", contact.title != nil), ("organization", contact.organization != nil), ("locale", contact.locale != nil),
            ("address", contact.address != nil), ("consent", contact.emailMarketing != nil || contact.smsMarketing != nil),
        ]
        for (field, isThere) in unknown where isThere {
            context.warn(code: "acme.no_such_field", field: field, "Acme has no field for it; the rest was written")
        }
        return .object(fields)
    }

    // MARK: The wire

    /// The answer when it is a success; any other is thrown as what it means to the host, which alone decides whether to try again.
    private func send(
        _ method: HTTPRequest.Method, _ path: String, query: String = "", route: String? = nil, body: JSONValue? = nil,
        _ context: OperationContext
    ) async throws -> HTTPResponse {
        var headers = [HTTPHeader("Authorization", "Bearer \(context.credentials["token"]?.stringValue ?? "")", isSensitive: true)]
        if body != nil {
            headers.append(HTTPHeader("Content-Type", "application/json"))
            headers.append(HTTPHeader("Idempotency-Key", context.idempotencyKey))
        }
        let response = try await context.http.send(
            HTTPRequest(
                method, baseURL + path + (query.isEmpty ? "" : "?\(query)"), route: "\(method.rawValue) \(route ?? path)", headers: headers,
                body: body?.serialized() ?? []))
        guard response.isSuccess else { throw Self.error(response, ofOneRecord: method == .get && path != "/v1/account") }
        return response
    }

    private static func error(_ response: HTTPResponse, ofOneRecord: Bool) -> CRMError {
        let code = response.json?["error"]?["code"]?.stringValue
        let details: JSONObject = ["http_status": .integer(response.status), "acme_code": code.map(JSONValue.string) ?? .null]
        func failure(_ status: CRMError.Status, _ code: String, _ message: String, _ flags: CRMError.Flags = []) -> CRMError {
            CRMError(status, code: "acme.\(code)", message: message, retryAfter: response.retryAfter, flags: flags, details: details)
        }
        return switch response.status {
        case 400, 422: failure(.invalidArgument, "refused", "Acme refuses the record")
        case 401: failure(.invalidCredentials, "unknown_token", "Acme does not know this token", .revalidate)
        case 403: failure(.permissionDenied, "missing_scope", "the token lacks a scope")
        case 404 where ofOneRecord: failure(.notFound, "not_found", "Acme has no such contact")
        case 409: failure(.conflict, "conflict", "the identifiers belong to two contacts")
        case 429: failure(.rateLimited, "slow_down", "Acme asks for a pause", .retryable)
        default: failure(.upstream, "failed", "Acme failed to handle the request", .retryable)
        }
    }

    private static let unreadable = CRMError(
        .upstream, code: "acme.unreadable_answer", message: "Acme's answer cannot be understood", flags: .retryable)
    /// The write has probably happened.
    private static let unreadableWrite = CRMError(
        .upstream, code: "acme.unreadable_answer", message: "Acme's answer cannot be understood", flags: [.retryable, .ambiguous])

    // MARK: Who it is

    public static let manifest = ProviderManifest(
        crmType: "acme", displayName: "Acme", version: "0.1.0",
        capabilities: [
            .validateCredentials, .createOrUpdateContact, .sendEvent, .getContact, .idempotentUpsert, .eventsDeduplicated, .externalIDs,
        ],
        credentialSchema: [
            "type": "object", "additionalProperties": false, "required": ["token"],
            "properties": [
                "token": [
                    "type": "string", "title": "API token", "minLength": 12, "maxLength": 200, "x-charset": "A-Za-z0-9_.@-",
                    "writeOnly": true, "description": "A token with the scopes contacts:write, contacts:read and events:write.",
                ]
            ],
        ],
        configSchema: [
            "type": "object", "additionalProperties": false,
            "properties": [
                "base_url": ["type": "string", "maxLength": 500, "description": "Where Acme's API is, when it is not where it usually is."]
            ],
        ],
        egress: ["api.acme.example:443"],
        extras: ["docs_url": "https://acme.example/docs", "max_concurrency": 16, "idempotency": ["contact": "natural", "event": "key"]])
}
