import CRMCore
import Testing

@Suite struct ContactInputTests {
    private func complaints(_ value: JSONValue) -> [String] {
        do {
            _ = try ContactInput(value)
            return []
        } catch {
            return error.violations.map { "\($0.pointer) \($0.code.rawValue)" }
        }
    }

    @Test func everythingComesOutInItsNormalForm() throws {
        let contact = try ContactInput([
            "email": "  Anna.P@Example.COM ", "phone": "0030 (691) 234-5678", "first_name": "Anna", "last_name": "", "locale": "EL_gr",
            "address": ["city": "Athens", "country": "gr", "line2": ""],
            "consent": ["email_marketing": ["state": "granted", "at": "2026-01-31T11:30:00+02:00"]], "properties": [:],
        ])
        #expect(
            contact.fields == [
                "email": "anna.p@example.com", "phone": "+306912345678", "first_name": "Anna", "locale": "el-GR",
                "address": ["city": "Athens", "country": "GR"],
                "consent": ["email_marketing": ["state": "granted", "at": "2026-01-31T09:30:00.000Z"]],
            ])
        #expect(contact.identity == "anna.p@example.com")
        #expect(contact.identities == ["email": "anna.p@example.com", "phone": "+306912345678"])
        #expect(contact.saysMoreThanIdentities)
    }

    @Test func theExternalIDIsTheFirstIdentity() throws {
        let contact = try ContactInput(["phone": "+306912345678", "email": "a@b.gr", "external_id": "7"])
        #expect(contact.identity == "7")
        #expect(!contact.saysMoreThanIdentities)
        #expect(try ContactInput(["phone": "+306912345678"]).identity == "+306912345678")
    }

    @Test(
        arguments: [
            ([:], [" no_identity"]), (["email": ""], [" no_identity"]), (["first_name": "Anna"], [" no_identity"]), ("x", [" wrong_type"]),
            (["external_id": ""], ["/external_id too_short"]), (["email": .null], ["/email wrong_type"]),
            (["email": "a@b"], ["/email invalid_email"]),
            (["phone": "6912345678"], ["/phone invalid_phone"]), (["email": "a@b.gr", "locale": "english"], ["/locale invalid_locale"]),
            (["email": "a@b.gr", "id": 1], ["/id unknown_field"]),
            (["email": "a@b.gr", "address": ["country": "Greece"]], ["/address/country invalid_country"]),
            (["email": "a@b.gr", "address": ["planet": "x"]], ["/address/planet unknown_field"]),
            (["email": "a@b.gr", "consent": ["sms_marketing": ["state": "maybe"]]], ["/consent/sms_marketing/state not_allowed"]),
            (
                ["email": "a@b.gr", "consent": ["sms_marketing": ["state": "granted", "at": "x"]]],
                ["/consent/sms_marketing/at invalid_time"]
            ),
            (["email": "a@b.gr", "properties": []], ["/properties wrong_type"]),
            (["email": "a@b.gr", "properties": ["": 1]], ["/properties/ too_short"]),
        ] as [(JSONValue, [String])])
    func eachMistakeIsPointedAt(_ value: JSONValue, _ expected: [String]) {
        #expect(complaints(value) == expected)
    }

    @Test func propertiesAreOpenWithinBounds() {
        let open: JSONValue = ["anything": ["goes": [1, .null, true]], "'; --": "x"]
        #expect(complaints(["email": "a@b.gr", "properties": open]) == [])
        func nested(_ levels: Int) -> JSONValue { (0..<levels).reduce(1) { inner, _ in ["a": inner] } }
        #expect(complaints(["email": "a@b.gr", "properties": ["deep": nested(8)]]) == [])
        #expect(complaints(["email": "a@b.gr", "properties": ["deep": nested(9)]]) == ["/properties/deep too_deep"])
        let many = JSONObject((0..<401).map { ("p\($0)", 1) })
        #expect(complaints(["email": "a@b.gr", "properties": .object(many)]) == ["/properties too_many_values"])
    }

    @Test(arguments: [
        ("+306912345678", "+306912345678"), ("+44 20 7946 0958", "+442079460958"), ("0049/30/1234567", "+49301234567"),
        ("+1-212.555.0100", "+12125550100"),
        ("6912345678", nil), ("+0301234567", nil), ("+12345", nil), ("+1234567890123456", nil), ("+30691abc5678", nil), ("", nil),
        ("00", nil),
        ("+\u{663}\u{660}6912345678", nil),
    ])
    func phoneNumbers(_ text: String, _ expected: String?) {
        #expect(PhoneNumber(text)?.description == expected)
    }

    @Test(arguments: [
        ("a@b.gr", "a@b.gr"), ("A.B+C@Sub.Example.COM", "a.b+c@sub.example.com"), ("\tx@y.org\n", "x@y.org"),
        ("δοκιμή@παράδειγμα.ελ", "δοκιμή@παράδειγμα.ελ"),
        ("a@b", nil), ("a.@b.gr", nil), (".a@b.gr", nil), ("a..b@c.gr", nil), ("a@-b.gr", nil), ("a@b-.gr", nil), ("a@b.1", nil),
        ("\"a b\"@c.gr", nil),
        ("a@b.gr\r\nBcc: x@y.gr", nil), ("a b@c.gr", nil),
    ])
    func emailAddresses(_ text: String, _ expected: String?) {
        #expect(EmailAddress(text)?.description == expected)
        #expect(EmailAddress(String(repeating: "a", count: 65) + "@b.gr") == nil)
    }

    @Test func aSearchFindsTheSameIdentity() {
        #expect(ContactInput.identity(inSearch: "Anna@Example.com") == "anna@example.com")
        #expect(ContactInput.identity(inSearch: "0030 691 234 5678") == "+306912345678")
        #expect(ContactInput.identity(inSearch: "customer-7") == "customer-7")
    }
}
