/// One thing that is wrong with a value that came from outside. Says where and what is expected, never what was there.
package struct SchemaViolation: Error, Sendable, Hashable {
    /// The codes of the `errors` of a problem: a closed set that the API documents.
    package enum Code: String, Sendable, CaseIterable {
        case unknownField = "unknown_field"
        case required
        case wrongType = "wrong_type"
        case tooShort = "too_short"
        case tooLong = "too_long"
        case outOfRange = "out_of_range"
        case notAllowed = "not_allowed"
        case wrongPrefix = "wrong_prefix"
        case wrongCharacter = "wrong_character"
        case invalidFormat = "invalid_format"
        case invalidEmail = "invalid_email"
        case invalidPhone = "invalid_phone"
        case invalidTime = "invalid_time"
        case invalidAmount = "invalid_amount"
        case invalidCurrency = "invalid_currency"
        case invalidCountry = "invalid_country"
        case invalidLocale = "invalid_locale"
        case invalidTimezone = "invalid_timezone"
        case noIdentity = "no_identity"
        case tooDeep = "too_deep"
        case tooManyValues = "too_many_values"
    }

    /// RFC 6901, from the root of the value.
    package var pointer: String
    package var code: Code
    /// For people.
    package var detail: String

    package init(pointer: String, code: Code, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }

    /// The same violation in a value that is a part of a larger one.
    package func below(_ prefix: String) -> SchemaViolation {
        SchemaViolation(pointer: prefix + pointer, code: code, detail: detail)
    }
}

/// One step of a JSON pointer (RFC 6901). Names are cut, since an unknown one may be of any length.
package func pointerStep(_ name: String) -> String {
    var step = "/"
    for character in name.unicodeScalars.prefix(64) {
        switch character {
        case "~": step += "~0"
        case "/": step += "~1"
        default: step.unicodeScalars.append(character)
        }
    }
    return step
}

/// Input that was refused, with everything that is wrong with it.
package struct InvalidInput: Error, Sendable, Hashable {
    package var violations: [SchemaViolation]

    package init(_ violations: [SchemaViolation]) { self.violations = violations }
}
