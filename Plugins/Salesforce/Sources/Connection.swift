internal import CRMPluginSDK

/// One call of the REST API.
struct Call {
    let method: HTTPRequest.Method
    /// Below `/services/data/vNN.N`; below the instance's address when it begins with `/services/`.
    let path: String
    /// The path without names and ids.
    let route: String
    var query = ""
    var body: JSONValue?
    var headers: [HTTPHeader] = []
    /// Carried out twice it leaves what once leaves.
    var isIdempotent = true
    /// Its path names one record, which may be missing.
    var isOfOneRecord = false
    var changesData: Bool?
    var maximumResponseBytes: UInt32?

    init(_ method: HTTPRequest.Method, _ path: String, route: String) {
        self.method = method
        self.path = path
        self.route = "\(method.rawValue) \(route)"
    }

    /// Stands for a login where errors are told apart.
    static let login = Call(.post, "/services/", route: "login")

    static func query(_ query: Query) -> Call {
        var call = Call(.get, "/query", route: "/query")
        call.query = query.parameter
        return call
    }

    /// A record under a key of ours. A key with a dot in it goes in the body: a path would end before the dot.
    static func upsert(_ object: String, _ keyField: String, _ key: String, _ values: JSONObject) -> Call {
        guard key.contains(".") else {
            var call = Call(
                .patch, "/sobjects/\(object)/\(keyField)/\(PercentEncoding.encode(key))", route: "/sobjects/{object}/{field}/{key}")
            call.body = .object(values)
            call.isOfOneRecord = true
            return call
        }
        return .upsert([(key, values)], object, keyField)
    }

    static func upsert(_ records: [(key: String, values: JSONObject)], _ object: String, _ keyField: String) -> Call {
        var call = Call(.patch, "/composite/sobjects/\(object)/\(keyField)", route: "/composite/sobjects/{object}/{field}")
        call.body = [
            "allOrNone": false,
            "records": .array(
                records.map { key, values in
                    var record: JSONObject = ["attributes": ["type": .string(object)], keyField: .string(key)]
                    for (name, value) in values where name != keyField { record[name] = value }
                    return .object(record)
                }),
        ]
        return call
    }

    static func nextPage(_ path: String) -> Call { Call(.get, path, route: "/query/{page}") }
}

enum CallAnswer {
    case success(HTTPResponse)
    case refused(Refusal)
}

/// The way to one org for one operation: its session, its version of the API, what its objects look like.
final class Connection {
    let provider: SalesforceProvider
    let context: OperationContext
    /// Its names are as the merchant wrote them until the object has been described, then as the org writes them.
    private(set) var settings: Settings
    private var session: Session?
    private var objects: [String: ObjectDescription] = [:]
    /// Of the REST API, as far as known.
    private var version: String

    init(_ provider: SalesforceProvider, _ context: OperationContext) throws {
        self.provider = provider
        self.context = context
        settings = try Settings(context.settings)
        version = provider.version
    }

    func currentSession() async throws -> Session {
        if let session { return session }
        let cached = try await context.cache.value(Session.cacheKey) { try await provider.logIn(context) }
        let session = try Session(cached: cached, context)
        self.session = session
        return session
    }

    /// Forgets that a login was refused: somebody asks who may just have mended the cause.
    func forgetRefusal() async {
        if let cached = await context.cache.look(Session.cacheKey), Session.isRefusal(cached) {
            context.cache.remove(Session.cacheKey, stale: cached)
        }
    }

    /// Any success; anything else is thrown as what `Errors.swift` makes of it.
    func send(_ call: Call) async throws -> HTTPResponse {
        switch try await answer(call) {
        case .success(let response): return response
        case .refused(let refusal): throw refusal.error
        }
    }

    /// With a session that Salesforce has ended, once more with a new one. A call refused for its session was not carried out.
    func answer(_ call: Call) async throws -> CallAnswer {
        let session = try await currentSession()
        let response = try await exchange(call, session)
        guard hasEnded(session, response) else { return outcome(call, response, session) }
        forget(session)
        let renewed = try await currentSession()
        let second = try await exchange(call, renewed)
        if hasEnded(renewed, second) { forget(renewed) }
        return outcome(call, second, renewed)
    }

    /// A collection says of single records that the session has ended.
    func forgetSession() { if let session { forget(session) } }

    private func outcome(_ call: Call, _ response: HTTPResponse, _ session: Session) -> CallAnswer {
        guard !response.isSuccess else { return .success(response) }
        let refusal = Refusal(response, call, context)
        // The session of a password that has expired is good for nothing until there is a new password.
        if refusal.has("INVALID_OPERATION_WITH_EXPIRED_PASSWORD") { forget(session) }
        return .refused(refusal)
    }

    private func hasEnded(_ session: Session, _ response: HTTPResponse) -> Bool {
        response.status == 401 || RemoteError.list(response.isSuccess ? nil : response.json).contains { $0.code == "INVALID_SESSION_ID" }
    }

    private func forget(_ session: Session) {
        context.cache.remove(Session.cacheKey, stale: session.cached)
        self.session = nil
    }

    private func exchange(_ call: Call, _ session: Session) async throws -> HTTPResponse {
        var headers = [
            HTTPHeader("Authorization", "Bearer \(session.token)", isSensitive: true), HTTPHeader("Accept", "application/json"),
        ]
        if call.body != nil { headers.append(HTTPHeader("Content-Type", "application/json")) }
        let path = call.path.hasPrefix("/services/") ? call.path : "/services/data/v\(version)\(call.path)"
        let url = session.origin + path + (call.query.isEmpty ? "" : "?\(call.query)")
        let response = try await context.http.send(
            HTTPRequest(
                call.method, url, route: call.route, headers: headers + call.headers, body: call.body?.serialized() ?? [],
                maximumResponseBytes: call.maximumResponseBytes, changesData: call.changesData))
        if let quota = Quota(limitInfo: response.header("sforce-limit-info")) { context.report(quota) }
        return response
    }
}

extension Connection {
    /// All rows, over as many pages as there are, within reason.
    func rows(_ query: Query) async throws -> [JSONValue] {
        var rows: [JSONValue] = []
        var call = Call.query(query)
        for _ in 0..<10 {
            guard let page = Page(try await send(call).json) else { throw CRMError.unreadable(isIdempotent: true) }
            rows += page.rows
            guard let next = page.nextPath else { return rows }
            call = .nextPage(next)
        }
        return rows
    }

    /// What the org says of an object, remembered for a while; `nil` when it has none of that name, or hides it.
    func description(of object: String) async throws -> ObjectDescription? {
        if let known = objects[object] { return known }
        let key = "describe:\(object)"
        let cached = try await context.cache.value(key) {
            SessionCache.Made(try await describe(object).serialized(), timeToLive: ObjectDescription.timeToLive)
        }
        let members = try? JSONValue(parsing: cached)
        if let found = members?["version"]?.stringValue, APIVersion(found) != nil { version = found }
        guard let description = ObjectDescription(cached: members) else { return nil }
        objects[object] = description
        if object == "Contact" { settings.spell(contact: description) }
        if object == (settings.eventTarget == .platformEvent ? settings.platformEvent : settings.eventObject) {
            settings.spell(event: description)
        }
        return description
    }

    /// Contact exists in every org; not to see it is a matter of permissions.
    func contactDescription() async throws -> ObjectDescription {
        guard let description = try await description(of: "Contact") else {
            throw CRMError(
                .permissionDenied, code: "salesforce.object_unknown",
                message: "the user cannot see the object Contact: an administrator has to grant it")
        }
        return description
    }

    /// The next operation asks again: something is not as it was described.
    func forgetDescription(of object: String) async {
        objects[object] = nil
        let key = "describe:\(object)"
        if let cached = await context.cache.look(key) { context.cache.remove(key, stale: cached) }
    }

    private func describe(_ object: String) async throws -> JSONValue {
        var call = Call(.get, "/sobjects/\(object)/describe", route: "/sobjects/{object}/describe")
        call.isOfOneRecord = true
        call.maximumResponseBytes = 8 * 1_024 * 1_024
        switch try await answer(call) {
        case .success(let response): return try read(response)
        case .refused(let refusal):
            guard refusal.error.status == .notFound || refusal.has("INVALID_TYPE") else { throw refusal.error }
            // Every org has Contact: a version of the API that the org does not have looks the same.
            let wanted = version
            if object == "Contact", let older = try await olderVersion() {
                version = older.description
                if case .success(let response) = try await answer(call) { return try read(response) }
                version = wanted
            }
            return ["version": .string(version)]
        }
    }

    private func read(_ response: HTTPResponse) throws(CRMError) -> JSONValue {
        guard let description = ObjectDescription(response.json) else { throw CRMError.unreadable(isIdempotent: true) }
        var members = description.cached
        members["version"] = .string(version)
        return .object(members)
    }

    /// The newest that Salesforce offers below the one that was tried.
    private func olderVersion() async throws -> APIVersion? {
        guard let wanted = APIVersion(version) else { return nil }
        let response = try await send(Call(.get, "/services/data/", route: "/services/data/"))
        return (response.json?.arrayValue ?? []).compactMap { $0["version"]?.stringValue.flatMap { APIVersion($0) } }
            .filter { $0 < wanted }.max()
    }
}
