import CRMCore
import Testing

@Suite struct SchemaTests {
    private func complaints(_ schema: JSONValue, about value: JSONValue) throws -> [String] {
        try Schema(schema).violations(of: value).map { "\($0.pointer) \($0.code.rawValue)" }
    }

    private static let key: JSONValue = [
        "type": "object",
        "properties": [
            "api_key": ["type": "string", "minLength": 4, "maxLength": 8, "x-prefix": "pk_", "x-charset": "A-Za-z0-9_", "writeOnly": true],
            "region": ["type": "string", "enum": ["eu", "us"]], "port": ["type": "integer", "minimum": 1, "maximum": 65_535],
            "tags": ["type": "array", "items": ["type": "string", "maxLength": 2]],
        ],
        "required": ["api_key"], "additionalProperties": false,
    ]

    @Test func whatFitsHasNoViolations() throws {
        #expect(try complaints(Self.key, about: ["api_key": "pk_12", "region": "eu", "port": 443, "tags": ["a", "bc"]]) == [])
    }

    @Test(
        arguments: [
            ([:], ["/api_key required"]), (["api_key": 1], ["/api_key wrong_type"]), (["api_key": .null], ["/api_key wrong_type"]),
            (["api_key": "pk_"], ["/api_key too_short"]), (["api_key": "pk_123456"], ["/api_key too_long"]),
            (["api_key": "sk_12"], ["/api_key wrong_prefix"]), (["api_key": "pk_1\u{E9}"], ["/api_key wrong_character"]),
            (["api_key": "pk_12", "region": "mars"], ["/region not_allowed"]), (["api_key": "pk_12", "port": 0], ["/port out_of_range"]),
            (["api_key": "pk_12", "port": 65_536], ["/port out_of_range"]), (["api_key": "pk_12", "port": true], ["/port wrong_type"]),
            (["api_key": "pk_12", "tags": ["a", "abc", 1]], ["/tags/1 too_long", "/tags/2 wrong_type"]),
            (["api_key": "pk_12", "a/b~c": 1], ["/a~1b~0c unknown_field"]), ([], [" wrong_type"]), ("x", [" wrong_type"]),
        ] as [(JSONValue, [String])])
    func eachMistakeHasItsPlaceAndCode(_ value: JSONValue, _ expected: [String]) throws {
        #expect(try complaints(Self.key, about: value) == expected)
    }

    @Test func aMapTakesAnyNameAndChecksItsValues() throws {
        let map: JSONValue = [
            "type": "object", "properties": ["known": ["type": "integer"]],
            "additionalProperties": ["type": "string", "maxLength": 3, "x-charset": "A-Za-z_"],
        ]
        #expect(try complaints(map, about: ["plan": "abc", "any name": "x", "known": 1]) == [])
        #expect(
            try complaints(map, about: ["plan": "abcd", "b": 1, "known": "x"]) == ["/plan too_long", "/b wrong_type", "/known wrong_type"])
    }

    @Test func aFractionIsNoInteger() throws {
        let half = try #require(JSONNumber(literal: "1.5"))
        #expect(try complaints(["type": "integer"], about: .number(half)) == [" wrong_type"])
        #expect(try complaints(["type": "number"], about: .number(half)) == [])
    }

    @Test func noValueIsEverRepeated() throws {
        let violations = try Schema(Self.key).violations(of: ["api_key": "hunter2-is-my-password", "region": "hunter2", "port": "hunter2"])
        #expect(violations.count == 3)
        #expect(violations.allSatisfy { !$0.detail.contains("hunter2") && !$0.pointer.contains("hunter2") })
    }

    @Test func namesInPointersAreCut() throws {
        let long = String(repeating: "x", count: 10_000)
        let violations = try Schema(Self.key).violations(of: ["api_key": "pk_12", long: 1])
        #expect(violations.first?.pointer.count == 65)
    }

    private static let forms: JSONValue = [
        "type": "object",
        "oneOf": [
            [
                "properties": [
                    "username": ["type": "string"], "password": ["type": "string", "writeOnly": true], "token": ["type": "string"],
                ],
                "required": ["username", "password", "token"],
            ],
            [
                "properties": [
                    "grant": ["const": "client_credentials"], "client_id": ["type": "string"],
                    "client_secret": ["type": "string", "minLength": 3],
                ],
                "required": ["client_id", "client_secret"],
            ],
        ],
        "properties": ["instance_url": ["type": "string", "format": "uri"]],
        "required": ["instance_url"],
    ]

    @Test(
        arguments: [
            (["instance_url": "https://a.example", "username": "u", "password": "p", "token": "t"], []),
            (["instance_url": "https://a.example", "client_id": "c", "client_secret": "sss"], []),
            (["instance_url": "https://a.example", "username": "u"], ["/password required", "/token required"]),
            (["instance_url": "https://a.example", "client_id": "c", "client_secret": "s"], ["/client_secret too_short"]),
            (["client_id": "c", "client_secret": "sss", "password": "p"], ["/instance_url required", "/password unknown_field"]),
            (["grant": "client_credentials"], ["/client_id required", "/client_secret required", "/instance_url required"]),
            (["instance_url": "ftp://a"], ["/client_id required", "/client_secret required", "/instance_url invalid_format"]),
        ] as [(JSONValue, [String])])
    func theNearestFormIsComplainedAbout(_ value: JSONValue, _ expected: [String]) throws {
        #expect(Set(try complaints(Self.forms, about: value)) == Set(expected))
    }

    @Test func secretsAreFoundInAllForms() throws {
        #expect(try Schema(Self.forms).secretNames == ["password"])
        #expect(try Schema(Self.key).secretNames == ["api_key"])
    }

    @Test func objectsWithoutPropertiesAreOpen() throws {
        #expect(try complaints(["type": "object"], about: ["a": 1]) == [])
        #expect(try complaints(["type": "object", "properties": [:]], about: ["a": 1]) == ["/a unknown_field"])
        #expect(try complaints(["type": "object", "properties": [:], "additionalProperties": true], about: ["a": 1]) == [])
    }

    @Test(arguments: [
        (
            "uri", ["https://a.example/x?y#z", "http://localhost:8003", "https://[::1]:80/"],
            ["a.example", "javascript:alert(1)", "https://", "https://u@a", "https://a b", "https://a:99999"]
        ),
        ("hostname", ["a.example", "localhost", "xn--bcher-kva.example"], ["", "-a", "a..b", "a_b", String(repeating: "a", count: 64)]),
        ("email", ["a@b.gr", "a+b@c.example"], ["a", "a@b", "@b.gr", "a@@b.gr", "a b@c.gr"]),
        ("date-time", ["2026-01-31T09:30:00Z", "2026-01-31T09:30:00.5+02:00"], ["2026-02-30T00:00:00Z", "yesterday", "2026-01-31"]),
    ])
    func formatsAreChecked(_ format: String, _ good: [String], _ bad: [String]) throws {
        let schema: JSONValue = ["type": "string", "format": .string(format)]
        for text in good { #expect(try complaints(schema, about: .string(text)) == [], "\(text)") }
        for text in bad { #expect(try complaints(schema, about: .string(text)).count == 1, "\(text)") }
    }

    @Test(
        arguments: [
            (["type": "text"], "/type"), (["pattern": ".*"], "/pattern"),
            (["properties": ["a": ["type": "string", "$ref": "#/x"]]], "/properties/a/$ref"),
            (["required": ["a"], "properties": [:]], "/required"), (["minLength": -1], "/minLength"),
            (["minLength": 5, "maxLength": 4], "/maxLength"),
            (["format": "ipv4"], "/format"), (["enum": []], "/enum"), (["x-charset": "z-a"], "/x-charset"),
            (["oneOf": [["type": "string"]]], "/oneOf"),
            (["additionalProperties": "yes"], "/additionalProperties"),
            (["additionalProperties": ["type": "text"]], "/additionalProperties/type"), ("x", ""), (true, ""),
        ] as [(JSONValue, String)])
    func whatCannotBeAppliedIsNamed(_ schema: JSONValue, _ place: String) throws {
        let error = try #require(throws: SchemaError.self) { try Schema(schema) }
        #expect(error.pointer == place)
    }
}
