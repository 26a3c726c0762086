/// A contact that a client sent, checked and in its normal form.
package struct ContactInput: Sendable, Hashable {
    /// In the shape of the provider operations' `contact`.
    package let fields: JSONObject
    /// What tells this contact apart from others: the first of external id, e-mail and phone that is there.
    package let identity: String

    /// The identities alone, for an event.
    package var identities: JSONObject { JSONObject(fields.filter { Self.identityNames.contains($0.key) }.map { ($0.key, $0.value) }) }

    /// There is something to write besides the identities.
    package var saysMoreThanIdentities: Bool { fields.contains { !Self.identityNames.contains($0.key) } }

    package static let identityNames = ["external_id", "email", "phone"]

    /// The identity of a contact as it was given in a search: an e-mail address and a phone number in any spelling, else an external id.
    package static func identity(inSearch text: String) -> String {
        EmailAddress(text)?.description ?? PhoneNumber(text)?.description ?? text
    }

    package init(_ value: JSONValue) throws(InvalidInput) {
        var violations = Self.checked.violations(of: value)
        var reader = InputReader(value.objectValue ?? [:])
        reader.replaceText("email", .invalidEmail, "must be an e-mail address") { EmailAddress($0)?.description }
        reader.replaceText("phone", .invalidPhone, "must be in international form, such as +306912345678") { PhoneNumber($0)?.description }
        reader.replaceText("locale", .invalidLocale, "must be a language tag such as el-GR") { LanguageTag($0)?.description }
        reader.descend("address") { address in
            address.replaceText("country", .invalidCountry, "must be a country of ISO 3166-1 in two letters, such as GR") {
                countryCode($0)
            }
        }
        reader.descend("consent") { consent in
            for channel in ["email_marketing", "sms_marketing"] {
                consent.descend(channel) { $0.replaceText("at", .invalidTime, SchemaFormat.dateTime.expectation, normalTime) }
            }
        }
        reader.checkProperties()
        violations += reader.violations.filter { added in !violations.contains { $0.pointer == added.pointer } }
        let identity = Self.identityNames.lazy.compactMap { reader.fields[$0]?.stringValue }.first
        if let members = value.objectValue, !Self.identityNames.contains(where: { members[$0] != nil }) || identity == nil,
            violations.isEmpty
        {
            violations.append(SchemaViolation(pointer: "", code: .noIdentity, detail: "must have email, external_id or phone"))
        }
        guard violations.isEmpty, let identity else { throw InvalidInput(violations) }
        fields = reader.fields
        self.identity = identity
    }
}

/// A language tag in BCP 47's usual capitals: language, script, region, variants.
package struct LanguageTag: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init?(_ text: String) {
        let parts = text.trimmed.replacing("_", with: "-").split(separator: "-", omittingEmptySubsequences: false)
        guard let language = parts.first, (2...3).contains(language.count), language.allSatisfy(\.isASCIILetter) else { return nil }
        var tag = [language.lowercased()]
        for part in parts.dropFirst() {
            guard (2...8).contains(part.count), part.allSatisfy({ $0.isASCIILetter || ("0"..."9").contains($0) }) else { return nil }
            switch part.count {
            case 4 where part.allSatisfy(\.isASCIILetter): tag.append(part.prefix(1).uppercased() + part.dropFirst().lowercased())
            case 2: tag.append(part.uppercased())
            default: tag.append(part.lowercased())
            }
        }
        description = tag.joined(separator: "-")
    }
}

private func countryCode(_ text: String) -> String? {
    let code = text.trimmed.uppercased()
    return code.count == 2 && code.allSatisfy(\.isASCIILetter) ? code : nil
}

func normalTime(_ text: String) -> String? { Timestamp(rfc3339: text)?.description }

extension Character {
    var isASCIILetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
}
