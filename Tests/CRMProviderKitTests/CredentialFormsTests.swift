import CRMCore
import CRMProviderKit
import Testing

@Suite struct CredentialFormsTests {
    private static func schema(_ required: [String], optional: [String] = []) -> JSONValue {
        var properties = JSONObject()
        for name in required + optional { properties[name] = ["type": "string"] }
        return ["type": "object", "properties": .object(properties), "required": .array(required.map(JSONValue.string))]
    }

    private static func missing(_ old: JSONValue, _ new: JSONValue) -> Set<String> {
        CredentialForms(new).missing(in: CredentialForms(old))
    }

    @Test func whatStaysOrBecomesOptionalNeedsNothing() {
        #expect(Self.missing(Self.schema(["key"]), Self.schema(["key"])) == [])
        #expect(Self.missing(Self.schema(["key", "secret"]), Self.schema(["key"], optional: ["secret"])) == [])
        #expect(Self.missing(Self.schema(["key"]), Self.schema(["key"], optional: ["region"])) == [])
    }

    @Test func whatIsNewlyRequiredIsNamed() {
        #expect(Self.missing(Self.schema(["key"]), Self.schema(["key", "region"])) == ["region"])
        #expect(Self.missing(Self.schema(["key"], optional: ["region"]), Self.schema(["key", "region"])) == ["region"])
        #expect(Self.missing(Self.schema(["key"]), Self.schema(["token"])) == ["token"])
    }

    @Test func aFormThatIsGoneConcernsThoseWhoUsedIt() {
        let both: JSONValue = ["type": "object", "oneOf": [Self.schema(["user", "password"]), Self.schema(["id", "secret"])]]
        #expect(Self.missing(both, both) == [])
        #expect(Self.missing(Self.schema(["user", "password"]), both) == [])
        #expect(Self.missing(both, Self.schema(["id", "secret"])) == ["id", "secret"])
    }
}
