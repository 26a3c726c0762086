import CRMCore
import Testing

@Suite struct KlaviyoRefusalTests {
    struct BadBody: Sendable, CustomTestStringConvertible {
        let name: String
        let path: String
        let body: JSONValue
        var status = 400
        var pointer: String?
        var testDescription: String { name }
    }

    static let manyProperties = JSONValue.object(JSONObject((0...400).map { ("p\($0)", .integer($0)) }))
    static let profile = "/data/attributes/profile/data/attributes"
    static let bad = [
        BadBody(name: "nothing", path: "events", body: [:], pointer: "/data"),
        BadBody(name: "type", path: "profile-import", body: ["data": ["type": "person", "attributes": [:]]], pointer: "/data/type"),
        BadBody(name: "no identifier", path: "profile-import", body: KlaviyoBody.profile(["first_name": "A"]), pointer: "/data/attributes"),
        BadBody(
            name: "e-mail", path: "profile-import", body: KlaviyoBody.profile(["email": "ada@localhost"]), pointer: "/data/attributes/email"
        ),
        BadBody(
            name: "phone", path: "profile-import", body: KlaviyoBody.profile(["email": "a@example.test", "phone_number": "06 1234"]),
            pointer: "/data/attributes/phone_number"),
        BadBody(
            name: "unknown attribute", path: "profile-import", body: KlaviyoBody.profile(["email": "a@example.test", "nick": "x"]),
            pointer: "/data/attributes/nick"),
        BadBody(
            name: "wrong type", path: "profile-import", body: KlaviyoBody.profile(["email": "a@example.test", "first_name": 1]),
            pointer: "/data/attributes/first_name"),
        BadBody(
            name: "unknown id", path: "profile-import", body: KlaviyoBody.profile(["email": "a@example.test"], id: "01HZX"), status: 404,
            pointer: "/data/id"),
        BadBody(
            name: "large profile", path: "profile-import",
            body: KlaviyoBody.profile(["email": "a@example.test", "title": .string(String(repeating: "x", count: 100_001))]), status: 413),
        BadBody(
            name: "no metric", path: "events", body: ["data": ["type": "event", "attributes": ["properties": [:]]]],
            pointer: "/data/attributes/metric"),
        BadBody(
            name: "no properties", path: "events", body: KlaviyoBody.event("Viewed", ["properties": .null]),
            pointer: "/data/attributes/properties"),
        BadBody(
            name: "many properties", path: "events", body: KlaviyoBody.event("Viewed", ["properties": manyProperties]),
            pointer: "/data/attributes/properties"),
        BadBody(
            name: "long metric", path: "events", body: KlaviyoBody.event(String(repeating: "m", count: 128)),
            pointer: "/data/attributes/metric/data/attributes/name"),
        BadBody(
            name: "old", path: "events", body: KlaviyoBody.event("V", ["time": "1989-12-31T23:59:59Z"]), pointer: "/data/attributes/time"),
        BadBody(
            name: "far", path: "events", body: KlaviyoBody.event("V", ["time": "2100-01-01T00:00:00Z"]), pointer: "/data/attributes/time"),
        BadBody(
            name: "no offset", path: "events", body: KlaviyoBody.event("V", ["time": "2026-11-01T10:00:00"]),
            pointer: "/data/attributes/time"),
        BadBody(name: "value", path: "events", body: KlaviyoBody.event("V", ["value": "19.98"]), pointer: "/data/attributes/value"),
        BadBody(
            name: "currency", path: "events", body: KlaviyoBody.event("V", ["value_currency": "euro"]),
            pointer: "/data/attributes/value_currency"),
        BadBody(
            name: "event's phone", path: "events", body: KlaviyoBody.event("V", profile: ["phone_number": "12"]),
            pointer: "\(profile)/phone_number"),
        BadBody(
            name: "long string", path: "events",
            body: KlaviyoBody.event("V", ["properties": ["text": .string(String(repeating: "x", count: 100_001))]])),
        BadBody(name: "nobody's event", path: "events", body: KlaviyoBody.event("V", profile: [:]), pointer: profile),
    ]

    @Test(arguments: bad) func bodies(_ bad: BadBody) async throws {
        let sandbox = try await RunningSandbox()
        let reply = try sandbox.klaviyo("POST", bad.path, bad.body)
        #expect(reply.status == bad.status)
        #expect(reply.error?["status"]?.intValue == bad.status)
        #expect(reply.error?["detail"]?.stringValue?.isEmpty == false)
        if let pointer = bad.pointer { #expect(reply.error?["source"]?["pointer"] == .string(pointer)) }
        let entry = try #require(try sandbox.journal("crm=klaviyo").first)
        #expect(entry["effect"] == "refused" && entry["status"]?.intValue == bad.status)
        #expect(try sandbox.klaviyo("GET", "profiles").json["data"] == [])
    }

    @Test(
        arguments: [
            (nil, "not_authenticated"), ("Bearer pk_sandbox_ada@shop.test", "authentication_failed"),
            ("Klaviyo-API-Key pk_live_1234", "authentication_failed"), ("Klaviyo-API-Key pk_sandbox_ada", "authentication_failed"),
        ] as [(String?, String)])
    func keys(authorization: String?, code: String) async throws {
        let sandbox = try await RunningSandbox()
        let headers = [("revision", RunningSandbox.revision)] + (authorization.map { [("Authorization", $0)] } ?? [])
        let reply = try sandbox.send("GET", "/klaviyo/api/accounts", headers: headers)
        #expect(reply.status == 401)
        #expect(reply.error?["code"] == .string(code))
        #expect(reply.headers["content-type"] == "application/vnd.api+json")
        #expect(reply.headers["ratelimit-limit"] == nil)
    }

    @Test func aKeyMayLackAScope() async throws {
        let sandbox = try await RunningSandbox()
        let refused = try sandbox.klaviyo("GET", "accounts", account: "noscope_ada@shop.test")
        #expect(refused.status == 403)
        #expect(refused.error?["code"] == "permission_denied")
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event(), account: "noscope_ada@shop.test").status == 202)
        // Another key of the same account.
        #expect(try sandbox.klaviyo("GET", "events").json["data"]?.arrayValue?.count == 1)
    }

    @Test func headers() async throws {
        let sandbox = try await RunningSandbox()
        let authorization = ("Authorization", "Klaviyo-API-Key pk_sandbox_ada@shop.test")
        let body = KlaviyoBody.event()
        let missing = try sandbox.send("GET", "/klaviyo/api/accounts", headers: [authorization])
        #expect(missing.status == 400)
        #expect(missing.error?["source"]?["parameter"] == "revision")
        #expect(try sandbox.klaviyo("GET", "accounts", revision: "2031-01-15").status == 400)
        let plain = [authorization, ("revision", RunningSandbox.revision), ("Content-Type", "application/json")]
        #expect(try sandbox.send("POST", "/klaviyo/api/events", headers: plain, json: body).status == 415)
    }

    @Test func pathsParametersAndFilters() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.klaviyo("GET", "nowhere").status == 404)
        #expect(try sandbox.klaviyo("DELETE", "profiles").status == 405)
        #expect(try sandbox.klaviyo("GET", "profiles?limit=3").error?["source"]?["parameter"] == "limit")
        for filter in [
            "equals(email)", "equals(email,%22a%22", "contains(email,%22a%22)", "equals(nick,%22a%22)", "equals(email,%22a%22))",
        ] {
            let reply = try sandbox.klaviyo("GET", "profiles?filter=\(filter)")
            #expect(reply.status == 400)
            #expect(reply.error?["source"]?["parameter"] == "filter")
        }
        #expect(try sandbox.klaviyo("GET", "profiles?page%5Bsize%5D=101").status == 400)
        let headers = RunningSandbox.klaviyoHeaders()
        #expect(try sandbox.send("POST", "/klaviyo/api/events", headers: headers, body: Array("{\"data\":".utf8)).status == 400)
    }

    @Test func aBodyBeyondAllLimitsIsRefusedUnread() async throws {
        let sandbox = try await RunningSandbox()
        let connection = try sandbox.connection()
        try connection.send(Array("POST /klaviyo/api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n".utf8))
        try? connection.send([UInt8](repeating: 0x20, count: 6_400_000))
        #expect(try connection.receive().status == 413)
    }
}
