internal import CRMPluginSDK

/// What an org says about one of its objects, as this user sees it: a field that the user may not see is not in it.
struct ObjectDescription {
    /// Long enough to cost next to nothing, short enough that a new field is found while its administrator watches.
    static let timeToLive = Duration.seconds(600)

    struct Field {
        let type: String
        let length: Int
        let isCreateable: Bool
        let isUpdateable: Bool
        let isExternalID: Bool
        let isUnique: Bool
        /// Under which a parent's own fields are named.
        let relationship: String?

        var isText: Bool { Self.texts.contains(type) }

        private static let texts: Set<String> = [
            "string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox", "id", "reference", "encryptedstring",
        ]
    }

    let isCreateable: Bool?
    let isUpdateable: Bool?
    let isQueryable: Bool?
    private let fields: [String: Field]

    init?(_ body: JSONValue?) {
        guard let list = body?["fields"]?.arrayValue else { return nil }
        isCreateable = body?["createable"]?.boolValue
        isUpdateable = body?["updateable"]?.boolValue
        isQueryable = body?["queryable"]?.boolValue
        var fields: [String: Field] = [:]
        for field in list {
            guard let name = field["name"]?.stringValue else { continue }
            fields[name] = Field(
                type: field["type"]?.stringValue ?? "string", length: field["length"]?.intValue ?? 0,
                isCreateable: field["createable"] != false, isUpdateable: field["updateable"] != false,
                isExternalID: field["externalId"] == true, isUnique: field["unique"] == true,
                relationship: field["relationshipName"]?.stringValue)
        }
        self.fields = fields
    }

    /// Names without regard to case, as Salesforce has them.
    subscript(name: String) -> Field? {
        if let field = fields[name] { return field }
        let lowered = name.lowercased()
        return fields.first { $0.key.lowercased() == lowered }?.value
    }

    /// The name as the org writes it; one that it does not have stays as it is.
    func spelling(of name: String) -> String {
        if fields[name] != nil { return name }
        let lowered = name.lowercased()
        return fields.keys.first { $0.lowercased() == lowered } ?? name
    }

    /// A field that upserts may name.
    func key(_ name: String) -> Field? {
        guard let field = self[name], field.isExternalID, field.isCreateable else { return nil }
        return field
    }
}

extension ObjectDescription {
    /// Small: the whole description of an object is hundreds of kilobytes.
    var cached: JSONObject {
        var members = JSONObject()
        members.set("createable", isCreateable.map(JSONValue.bool))
        members.set("updateable", isUpdateable.map(JSONValue.bool))
        members.set("queryable", isQueryable.map(JSONValue.bool))
        members["fields"] = .object(JSONObject(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.cached) }))
        return members
    }

    init?(cached: JSONValue?) {
        guard let list = cached?["fields"]?.objectValue else { return nil }
        isCreateable = cached?["createable"]?.boolValue
        isUpdateable = cached?["updateable"]?.boolValue
        isQueryable = cached?["queryable"]?.boolValue
        fields = Dictionary(list.compactMap { name, value in Field(cached: value).map { (name, $0) } }) { first, _ in first }
    }
}

extension ObjectDescription.Field {
    fileprivate var cached: JSONValue {
        let flags = [(isCreateable, "c"), (isUpdateable, "u"), (isExternalID, "x"), (isUnique, "q")].filter(\.0).map(\.1).joined()
        var members: [JSONValue] = [.string(type), .integer(length), .string(flags)]
        if let relationship { members.append(.string(relationship)) }
        return .array(members)
    }

    fileprivate init?(cached: JSONValue) {
        guard let members = cached.arrayValue, members.count >= 3, let type = members[0].stringValue, let length = members[1].intValue,
            let flags = members[2].stringValue
        else { return nil }
        self.init(
            type: type, length: length, isCreateable: flags.contains("c"), isUpdateable: flags.contains("u"),
            isExternalID: flags.contains("x"), isUnique: flags.contains("q"),
            relationship: members.count > 3 ? members[3].stringValue : nil)
    }
}
