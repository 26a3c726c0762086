internal import CRMPluginSDK

/// One call of a site's OData service, however it travels: alone, or as a part of a batch.
struct Call: Sendable {
    /// What an answer must hold to be one.
    enum Expectation: Sendable {
        /// `value`, a list.
        case rows
        /// One record.
        case record
        /// The record that was inserted.
        case inserted
        /// Nothing, or the record that was updated.
        case updated
        /// `responses`, a list.
        case parts
    }

    let method: HTTPRequest.Method
    /// Below the service's root.
    let path: String
    var query = ""
    /// The path without ids.
    let route: String
    var body: JSONObject?
    /// Those that it names.
    var columns: [String] = []
    let expects: Expectation

    var writes: Bool { method != .get && expects != .parts }
    var relativeURL: String { query.isEmpty ? path : "\(path)?\(query)" }

    static func rows(_ page: Page) -> Call {
        Call(method: .get, path: page.entity, query: page.query, route: "GET \(page.entity)", columns: page.columns, expects: .rows)
    }

    static func record(_ entity: String, _ id: GUID, _ page: Page? = nil) -> Call {
        Call(
            method: .get, path: "\(entity)(\(id.text))", query: page?.shape ?? "", route: "GET \(entity)({id})",
            columns: page?.columns ?? [], expects: .record)
    }

    static func insert(_ entity: String, _ record: JSONObject) -> Call {
        Call(method: .post, path: entity, route: "POST \(entity)", body: record, columns: record.keys, expects: .inserted)
    }

    static func update(_ entity: String, _ id: GUID, _ changes: JSONObject) -> Call {
        Call(
            method: .patch, path: "\(entity)(\(id.text))", route: "PATCH \(entity)({id})", body: changes, columns: changes.keys,
            expects: .updated)
    }

    static func batch(_ parts: [JSONValue]) -> Call {
        Call(method: .post, path: "$batch", route: "POST $batch", body: ["requests": .array(parts)], expects: .parts)
    }

    /// Shows that a place is one of OData, and that contacts may be read there.
    static let anyContact = Call.rows(Page("Contact", top: 1))
}

extension Call {
    func request(below root: String, _ authorization: [HTTPHeader]) -> HTTPRequest {
        var headers = authorization
        headers.append(HTTPHeader("Accept", "application/json"))
        if body != nil { headers.append(HTTPHeader("Content-Type", "application/json; charset=utf-8")) }
        // Without it a site stops at the first part that fails.
        if expects == .parts { headers.append(HTTPHeader("Prefer", "continue-on-error")) }
        return HTTPRequest(
            method, "\(root)/\(relativeURL)", route: route, headers: headers, body: body.map { JSONValue.object($0).serialized() } ?? [],
            maximumResponseBytes: expects == .parts ? 16 << 20 : nil)
    }

    /// The same as a part of a batch.
    func part(_ id: String) -> JSONValue {
        var headers: JSONObject = ["Accept": "application/json"]
        if body != nil { headers["Content-Type"] = "application/json" }
        var part: JSONObject = ["id": .string(id), "method": .string(method.rawValue), "url": .string(relativeURL)]
        part.set("body", body.map(JSONValue.object))
        part["headers"] = .object(headers)
        return .object(part)
    }
}
