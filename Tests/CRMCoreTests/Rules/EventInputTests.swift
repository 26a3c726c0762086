import CRMCore
import Testing

@Suite struct EventInputTests {
    private static let now = Timestamp(seconds: 1_790_000_000)

    private func complaints(_ value: JSONValue) -> [String] {
        do {
            _ = try EventInput(value, now: Self.now)
            return []
        } catch {
            return error.violations.map { "\($0.pointer) \($0.code.rawValue)" }
        }
    }

    @Test func everythingComesOutInItsNormalForm() throws {
        let event = try EventInput(
            [
                "name": "Placed Order", "occurred_at": "2026-01-31T11:30:00+02:00", "unique_id": "o-1",
                "value": ["amount": "-12.50", "currency": "eur"],
                "contact": ["email": "A@B.gr", "first_name": "Anna"], "properties": ["items": [1, 2]],
            ], now: Self.now)
        #expect(
            event.fields == [
                "name": "Placed Order", "occurred_at": "2026-01-31T09:30:00.000Z", "unique_id": "o-1",
                "value": ["amount": "-12.50", "currency": "EUR"], "contact": ["email": "a@b.gr"], "properties": ["items": [1, 2]],
            ])
        #expect(event.contact.fields == ["email": "a@b.gr", "first_name": "Anna"])
        #expect(event.uniqueID == "o-1")
    }

    @Test func onlyNameAndContactAreNeeded() throws {
        let event = try EventInput(["name": "x", "contact": ["external_id": "7"]], now: Self.now)
        #expect(event.fields == ["name": "x", "contact": ["external_id": "7"]])
        #expect(event.uniqueID == nil)
    }

    @Test(
        arguments: [
            ([:], ["/name required", "/contact required"]), (["name": "x", "contact": 1], ["/contact wrong_type"]),
            (["name": "x", "contact": [:]], ["/contact no_identity"]),
            (["name": "x", "contact": ["email": "?"]], ["/contact/email invalid_email"]),
            (["name": "x", "contact": ["email": "a@b.gr", "zip": 1]], ["/contact/zip unknown_field"]),
            (["name": 5, "contact": ["email": "a@b.gr"]], ["/name wrong_type"]),
            (["name": .string(String(repeating: "n", count: 128)), "contact": ["email": "a@b.gr"]], ["/name too_long"]),
            (["name": "x", "unique_id": "", "contact": ["email": "a@b.gr"]], ["/unique_id too_short"]),
            (["name": "x", "occurred_at": "now", "contact": ["email": "a@b.gr"]], ["/occurred_at invalid_time"]),
            (["name": "x", "occurred_at": "2028-01-31T11:30:00Z", "contact": ["email": "a@b.gr"]], ["/occurred_at invalid_time"]),
            (["name": "x", "value": ["amount": "1"], "contact": ["email": "a@b.gr"]], ["/value/currency required"]),
            (["name": "x", "value": ["amount": 1, "currency": "EUR"], "contact": ["email": "a@b.gr"]], ["/value/amount wrong_type"]),
            (
                ["name": "x", "value": ["amount": "1", "currency": "XXQ"], "contact": ["email": "a@b.gr"]],
                ["/value/currency invalid_currency"]
            ),
        ] as [(JSONValue, [String])])
    func eachMistakeIsPointedAt(_ value: JSONValue, _ expected: [String]) {
        #expect(complaints(value) == expected)
    }

    @Test(arguments: ["0", "1", "12.5", "-0.01", "999999999999999.999999"])
    func amounts(_ text: String) {
        #expect(complaints(["name": "x", "value": ["amount": .string(text), "currency": "USD"], "contact": ["email": "a@b.gr"]]) == [])
    }

    @Test(arguments: ["1e3", "1,50", "01", ".5", "1.", "+1", "NaN", "1 000", "1234567890123456", "0.1234567", "--1", "\u{661}"])
    func whatIsNoAmount(_ text: String) {
        #expect(
            complaints(["name": "x", "value": ["amount": .string(text), "currency": "USD"], "contact": ["email": "a@b.gr"]]) == [
                "/value/amount invalid_amount"
            ])
    }
}
