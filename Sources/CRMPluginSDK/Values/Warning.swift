/// Something that was left out although the rest was written: a property without a mapping, a phone number that the CRM refused.
public struct Warning: Sendable, Hashable {
    /// Stable and machine-readable: `creatio.unmapped_property`.
    public var code: String
    /// Where it stands in the payload: `properties.plan`.
    public var field: String?
    /// For people. Holds no credential and no personal data.
    public var detail: String

    public init(code: String, field: String? = nil, detail: String) {
        self.code = code
        self.field = field
        self.detail = detail
    }

    var json: JSONValue {
        var members: JSONObject = ["code": .string(code)]
        members.set("field", field)
        members["detail"] = .string(detail)
        return .object(members)
    }
}
