import CRMCore

/// A profile in a request body that passed Klaviyo's checks: what to set, what to clear (`null`), what to leave alone (absent).
struct KlaviyoProfileInput {
    /// In the order in which they decide when they name different profiles. Klaviyo documents no order; ours goes from the
    /// identifier that changes least to the one that changes most.
    static let identifiers = ["external_id", "email", "phone_number", "anonymous_id"]

    static let texts: Set<String> = [
        "email", "phone_number", "external_id", "anonymous_id", "_kx", "first_name", "last_name", "organization", "locale", "title",
        "image",
    ]
    private static let places: Set<String> = [
        "address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip",
    ]
    static let sizeLimit = 100_000

    let id: String?
    let attributes: JSONObject
    let location: JSONObject
    let properties: JSONObject
    let patch: KlaviyoPropertyPatch

    /// Where a request keeps its patches depends on the call and on the revision.
    init(_ profile: KlaviyoField, extraTexts: Set<String> = [], metaInAttributes: Bool = false) throws(KlaviyoRefusal) {
        _ = try profile.resource(
            "profile", members: metaInAttributes ? ["type", "id", "attributes"] : ["type", "id", "attributes", "meta"])
        id = try profile.optional("id")?.string()
        let fields = try profile.required("attributes")
        let texts = Self.texts.subtracting(["anonymous_id"]).union(extraTexts)
        try fields.onlyMembers(texts.union(["location", "properties"]).union(metaInAttributes ? ["meta"] : []), of: "profile")
        var attributes: JSONObject = [:]
        for name in texts {
            guard let field = fields[name] else { continue }
            if !field.value.isNull { try Self.check(try field.string(), name, at: field.pointer) }
            attributes[name] = field.value
        }
        self.attributes = attributes
        location = try Self.location(fields.optional("location"))
        properties = try fields.optional("properties")?.object() ?? [:]
        patch = try KlaviyoPropertyPatch((metaInAttributes ? fields : profile).optional("meta"))
    }

    /// Identifiers that are set, strongest first.
    var keys: [KlaviyoProfileKey] {
        Self.identifiers.compactMap { name in
            attributes[name]?.stringValue.map { KlaviyoProfileKey(name, $0) }
        }
    }

    var email: String? { attributes["email"]?.stringValue }

    func requireIdentifier(at pointer: String) throws(KlaviyoRefusal) {
        guard id != nil || !keys.isEmpty || attributes["_kx"]?.stringValue != nil else {
            throw .invalid("A profile needs one of the identifiers id, email, phone_number and external_id.", at: pointer)
        }
    }

    private static func check(_ text: String, _ name: String, at pointer: String) throws(KlaviyoRefusal) {
        switch name {
        case "email":
            guard EmailAddressRule.accepts(text) else { throw .invalid("Invalid email address.", at: pointer) }
        case "phone_number":
            guard isE164(text) else { throw .invalid("Invalid phone number: it must be in E.164 format.", at: pointer) }
        case "external_id", "anonymous_id", "_kx":
            guard !text.isEmpty, text.utf8.count <= 1_000 else { throw .invalid("'\(name)' must not be empty.", at: pointer) }
        case "image":
            guard text.hasPrefix("http://") || text.hasPrefix("https://") else { throw .invalid("'image' must be a URL.", at: pointer) }
        case "locale":
            let isTag =
                !text.isEmpty && text.utf8.count <= 35
                && text.unicodeScalars.allSatisfy {
                    $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-" || $0 == "_")
                }
            guard isTag else { throw .invalid("'locale' must be a language tag such as en-US.", at: pointer) }
        default: break
        }
    }

    private static func isE164(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.hasPrefix("+") && (7...15).contains(digits.count) && digits.first != UInt8(ascii: "0")
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func location(_ field: KlaviyoField?) throws(KlaviyoRefusal) -> JSONObject {
        guard let field else { return [:] }
        try field.onlyMembers(places, of: "location")
        for (name, value) in try field.object() where !value.isNull {
            let isNumber = value.doubleValue != nil && (name == "latitude" || name == "longitude")
            guard value.stringValue != nil || isNumber else {
                throw .invalid("'\(name)' must be a string.", at: "\(field.pointer)/\(name)")
            }
        }
        return try field.object()
    }
}

/// An identifier as it is looked up: addresses without regard to case.
struct KlaviyoProfileKey: Hashable {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = name == "email" ? value.lowercased() : value
    }
}
