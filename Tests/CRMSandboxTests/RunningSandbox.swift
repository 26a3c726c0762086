import CRMCore
import TestSupport
import Testing

/// A sandbox of the test's own, and the calls that tests make of it.
struct RunningSandbox {
    static let revision = "2026-10-15"

    let program: BuiltProgram
    let port: Int

    init(_ arguments: [String] = [], environment: [String: String] = [:]) async throws {
        program = try BuiltProgram("crm-sandbox", arguments: ["--port", "0"] + arguments, environment: environment)
        let line = try await program.line(startingWith: "crm-sandbox listening on http://127.0.0.1:")
        port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
    }

    struct Reply {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var json: JSONValue {
            get throws { try JSONValue(parsing: body) }
        }

        /// The error of a Klaviyo answer.
        var error: JSONValue? { (try? json)?["errors"]?.arrayValue?.first }
    }

    func connection() throws -> Connection { try Connection(port: port) }

    func send(
        _ method: String, _ target: String, headers: [(String, String)] = [], json: JSONValue? = nil, body: [UInt8] = []
    ) throws -> Reply {
        let connection = try connection()
        try connection.send(method, target, headers: headers, body: json?.serialized() ?? body)
        let response = try connection.receive()
        return Reply(status: response.status, headers: response.headers, body: response.body)
    }

    static func klaviyoHeaders(account: String = "ada@shop.test", revision: String = revision) -> [(String, String)] {
        [
            ("Authorization", "Klaviyo-API-Key pk_sandbox_\(account)"), ("revision", revision), ("Accept", "application/vnd.api+json"),
            ("Content-Type", "application/vnd.api+json"),
        ]
    }

    func klaviyo(
        _ method: String, _ path: String, _ json: JSONValue? = nil, account: String = "ada@shop.test", revision: String = revision
    ) throws -> Reply {
        try send(
            method, "/klaviyo/api/\(path)", headers: Self.klaviyoHeaders(account: account, revision: revision), json: json)
    }

    func journal(_ query: String = "") throws -> [JSONValue] {
        try #require(try send("GET", "/journal?limit=10000&\(query)").json["entries"]?.arrayValue)
    }

    func script(_ script: JSONValue) throws -> String {
        let reply = try send("POST", "/script", json: script)
        #expect(reply.status == 201)
        return try #require(try reply.json["id"]?.stringValue)
    }

    func stopClock(at time: String) throws {
        #expect(try send("POST", "/clock", json: ["stop_at": .string(time)]).status == 200)
    }

    func advanceClock(milliseconds: Int) throws {
        #expect(try send("POST", "/clock", json: ["advance_ms": .integer(milliseconds)]).status == 200)
    }
}

/// Request bodies in Klaviyo's shape.
enum KlaviyoBody {
    static func profile(_ attributes: JSONValue, id: String? = nil, meta: JSONValue? = nil) -> JSONValue {
        var data: JSONObject = ["type": "profile"]
        data.set("id", id)
        data["attributes"] = attributes
        data.set("meta", meta)
        return ["data": .object(data)]
    }

    static func event(
        _ metric: String = "Placed Order", profile: JSONValue = ["email": "grace@example.test"], _ more: JSONObject = [:]
    ) -> JSONValue {
        var attributes = eventAttributes(metric, more)
        attributes["profile"] = self.profile(profile)
        return ["data": ["type": "event", "attributes": .object(attributes)]]
    }

    static func eventAttributes(_ metric: String, _ more: JSONObject) -> JSONObject {
        var attributes: JSONObject = [
            "properties": ["sku": "A1"], "metric": ["data": ["type": "metric", "attributes": ["name": .string(metric)]]],
        ]
        for (name, value) in more { attributes[name] = value }
        return attributes
    }

    /// One group of events of one profile for each element.
    static func bulkEvents(_ groups: [(email: String, uniqueIDs: [String])]) -> JSONValue {
        let data = groups.map { group -> JSONValue in
            let events = group.uniqueIDs.map { id -> JSONValue in
                ["type": "event", "attributes": .object(eventAttributes("Placed Order", ["unique_id": .string(id)]))]
            }
            return [
                "type": "event-bulk-create",
                "attributes": ["profile": profile(["email": .string(group.email)]), "events": ["data": .array(events)]],
            ]
        }
        return ["data": ["type": "event-bulk-create-job", "attributes": ["events-bulk-create": ["data": .array(data)]]]]
    }
}

extension JSONValue {
    /// A number that is no integer, as it is written.
    static func decimal(_ literal: String) -> JSONValue { JSONNumber(literal: literal).map(JSONValue.number) ?? .null }
}
