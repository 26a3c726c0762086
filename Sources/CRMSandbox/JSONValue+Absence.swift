import CRMCore

extension JSONValue {
    /// Spelt out, because `nil` alone would be `null` again.
    var nilIfNull: JSONValue? { isNull ? Optional<JSONValue>.none : self }
}
