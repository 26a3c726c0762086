internal import CRMCore

extension Merchant {
    var json: JSONValue {
        var members: JSONObject = [
            "merchant_id": .string(id.description), "email": .optional(email), "email_verified": .bool(emailVerified),
        ]
        for (name, path) in MerchantProfile.fields { members[name] = .optional(profile[keyPath: path]) }
        members["created_at"] = .string(createdAt.description)
        members["updated_at"] = .string(updatedAt.description)
        members["last_login_at"] = .optional(lastLoginAt?.description)
        return .object(members)
    }
}

extension ProfileChange {
    /// Reads a JSON merge patch: what is named changes, `null` clears.
    init(patch value: JSONValue) throws(Problem) {
        var violations = Components.profilePatch.violations(of: value)
        var values: [String: String?] = [:]
        for (name, member) in value.objectValue ?? [:] {
            guard let text = member.stringValue else {
                values[name] = .some(nil)
                continue
            }
            let (normal, complaint) = Self.normal(name, text)
            values[name] = normal
            if let complaint, !violations.contains(where: { $0.pointer == pointerStep(name) }) {
                violations.append(SchemaViolation(pointer: pointerStep(name), code: complaint.code, detail: complaint.detail))
            }
        }
        guard violations.isEmpty else { throw Problem(InvalidInput(violations)) }
        self.init(values)
    }

    private static func normal(_ name: String, _ text: String) -> (String?, (code: SchemaViolation.Code, detail: String)?) {
        switch name {
        case "phone":
            guard let phone = PhoneNumber(text) else {
                return (nil, (.invalidPhone, "must be in international form, such as +306912345678"))
            }
            return (phone.description, nil)
        case "locale":
            guard let locale = LanguageTag(text) else { return (nil, (.invalidLocale, "must be a language tag such as el-GR")) }
            return (locale.description, nil)
        case "timezone":
            guard isTimezone(text) else { return (nil, (.invalidTimezone, "must be an IANA time zone such as Europe/Athens")) }
            return (text, nil)
        default: return (text.trimmed, nil)
        }
    }
}
