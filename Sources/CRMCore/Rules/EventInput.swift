/// An event that a client sent, checked and in its normal form.
package struct EventInput: Sendable, Hashable {
    /// In the shape of the provider operation's `event`; its contact holds the identities alone.
    package let fields: JSONObject
    package let contact: ContactInput
    package let name: String
    package let uniqueID: String?

    /// `now` bounds `occurred_at`: an event more than a year ahead is a mistake in somebody's clock or units.
    package init(_ value: JSONValue, now: Timestamp) throws(InvalidInput) {
        // The contact is checked by its own type, which knows more than the schema.
        var violations = Self.checked.violations(of: value).filter { !$0.pointer.hasPrefix("/contact/") }
        var reader = InputReader(value.objectValue ?? [:])
        reader.replaceText("occurred_at", .invalidTime, SchemaFormat.dateTime.expectation, normalTime)
        if let time = reader.fields["occurred_at"]?.stringValue.flatMap(Timestamp.init(rfc3339:)), time > now + .seconds(366 * 86_400) {
            reader.refuse("occurred_at", .invalidTime, "is more than a year ahead")
        }
        reader.descend("value") { value in
            value.replaceText("amount", .invalidAmount, "must be a decimal number in quotes, such as \"12.50\"", decimalAmount)
            value.replaceText("currency", .invalidCurrency, "must be a currency of ISO 4217 in three letters, such as EUR") {
                currencyCode($0)
            }
        }
        reader.checkProperties()
        violations += reader.violations.filter { added in !violations.contains { $0.pointer == added.pointer } }
        var contact: ContactInput?
        if let raw = value["contact"], raw.objectValue != nil {
            do {
                contact = try ContactInput(raw)
            } catch {
                violations += error.violations.map { $0.below("/contact") }
            }
        }
        guard violations.isEmpty, let contact, let name = reader.fields["name"]?.stringValue else { throw InvalidInput(violations) }
        var fields = reader.fields
        fields["contact"] = .object(contact.identities)
        self.fields = fields
        self.contact = contact
        self.name = name
        uniqueID = fields["unique_id"]?.stringValue
    }
}

/// JSON's grammar of numbers without an exponent, so that whoever reads it as a number reads the same.
private func decimalAmount(_ text: String) -> String? {
    guard !text.utf8.contains(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }), JSONNumber(literal: text) != nil else {
        return nil
    }
    let parts = text.drop { $0 == "-" }.split(separator: ".")
    return parts[0].count <= 15 && (parts.count == 1 || parts[1].count <= 6) ? text : nil
}

private func currencyCode(_ text: String) -> String? {
    let code = text.trimmed.uppercased()
    return EventInput.currencies.contains(code) ? code : nil
}
