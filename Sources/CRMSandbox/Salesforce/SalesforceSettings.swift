import CRMCore

/// What an administrator would have set in an organization, as far as it changes what its callers meet.
struct SalesforceSettings {
    enum DuplicateRule: String, CaseIterable { case off, alert, block }

    /// The fault that answers every SOAP login.
    var loginFault: String?
    var isPasswordExpired = false
    var isAPIDisabled = false
    var sessionSeconds: Int64 = 7_200
    /// Overrides the usual allocation, and counts even when limits are off.
    var dailyRequests: Int?
    /// What happens to a second contact with the e-mail address of another.
    var duplicateRule = DuplicateRule.off
    /// `object.field` in lower case: what field-level security keeps from the user.
    var hiddenFields: Set<String> = []
    var newestVersion = Salesforce.newestVersion

    mutating func change(_ settings: JSONObject) throws(SetupError) {
        var changed = self
        for (name, value) in settings { try changed.set(name, value) }
        self = changed
    }

    private mutating func set(_ name: String, _ value: JSONValue) throws(SetupError) {
        switch (name, value) {
        case ("login_fault", .null): loginFault = nil
        case ("login_fault", .string(let code)): loginFault = code
        case ("password_expired", .bool(let isExpired)): isPasswordExpired = isExpired
        case ("api_disabled", .bool(let isDisabled)): isAPIDisabled = isDisabled
        case ("session_seconds", .number(let number)): sessionSeconds = Int64(try Self.count(number, name, 1...86_400))
        case ("daily_requests", .null): dailyRequests = nil
        case ("daily_requests", .number(let number)): dailyRequests = try Self.count(number, name, 0...1_000_000_000)
        case ("newest_version", .number(let number)):
            newestVersion = try Self.count(number, name, Salesforce.oldestVersion...Salesforce.newestVersion)
        case ("duplicate_rule", .string(let text)):
            guard let rule = DuplicateRule(rawValue: text) else { throw SetupError("`duplicate_rule` is off, alert or block.") }
            duplicateRule = rule
        case ("hidden_fields", .array(let names)):
            hiddenFields = Set(names.compactMap { $0.stringValue?.lowercased() })
        default:
            throw SetupError(
                "Salesforce has no setting \"\(name.prefix(40))\" of this type; it knows login_fault, password_expired, api_disabled, "
                    + "session_seconds, daily_requests, newest_version, duplicate_rule and hidden_fields.")
        }
    }

    private static func count(_ number: JSONNumber, _ name: String, _ range: ClosedRange<Int>) throws(SetupError) -> Int {
        guard let count = number.int, range.contains(count) else {
            throw SetupError("`\(name)` is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return count
    }
}
