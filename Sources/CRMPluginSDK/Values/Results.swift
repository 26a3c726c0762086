/// What a CRM says about the credentials it was shown (`schemas/validate_credentials.result.json`).
public struct CredentialCheck: Sendable {
    /// `nil` when the credentials are good but may not read the account.
    public var account: RemoteAccount?
    public var permissions: [Permission]
    /// The CRM's limits for this account, in its own words.
    public var limits: JSONValue?
    /// RFC 3339, UTC.
    public var expiresAt: String?

    public init(account: RemoteAccount?, permissions: [Permission], limits: JSONValue? = nil, expiresAt: String? = nil) {
        self.account = account
        self.permissions = permissions
        self.limits = limits
        self.expiresAt = expiresAt
    }

    var json: JSONObject {
        var members = JSONObject()
        if let account { members["account"] = account.json }
        members["permissions"] = .array(permissions.map(\.json))
        members.set("limits", limits)
        members.set("expires_at", expiresAt)
        return members
    }
}

/// The account at the CRM that credentials belong to.
public struct RemoteAccount: Sendable, Hashable {
    public var id: String
    public var name: String
    public var url: String?

    public init(id: String, name: String, url: String? = nil) {
        self.id = id
        self.name = name
        self.url = url
    }

    var json: JSONValue {
        var members: JSONObject = ["id": .string(id), "name": .string(name)]
        members.set("url", url)
        return .object(members)
    }
}

/// Whether the credentials suffice for one operation.
public struct Permission: Sendable, Hashable {
    public enum State: String, Sendable { case proven, missing, unknown }

    public var operation: ProviderOperation
    public var state: State
    /// What the CRM calls it: a scope, a role.
    public var detail: String?

    public init(_ operation: ProviderOperation, _ state: State, detail: String? = nil) {
        self.operation = operation
        self.state = state
        self.detail = detail
    }

    var json: JSONValue {
        var members: JSONObject = ["capability": .string(operation.name), "state": .string(state.rawValue)]
        members.set("detail", detail)
        return .object(members)
    }
}

/// A contact that the CRM now holds.
public struct WrittenContact: Sendable {
    public var remoteID: String
    /// `nil` when the CRM does not say whether the contact is new.
    public var isNew: Bool?

    public init(remoteID: String, isNew: Bool?) {
        self.remoteID = remoteID
        self.isNew = isNew
    }

    var json: JSONObject { ["remote_id": .string(remoteID), "created": isNew.map(JSONValue.bool) ?? .null] }
}

/// An event that the CRM took.
public struct SentEvent: Sendable {
    public var remoteID: String?
    /// The CRM will look at the event later: taken does not mean stored.
    public var isAcceptedOnly: Bool

    public init(remoteID: String? = nil, isAcceptedOnly: Bool) {
        self.remoteID = remoteID
        self.isAcceptedOnly = isAcceptedOnly
    }

    var json: JSONObject {
        var members: JSONObject = ["accepted_only": .bool(isAcceptedOnly)]
        members.set("remote_id", remoteID)
        return members
    }
}

/// A contact as the CRM holds it.
public struct FoundContact: Sendable {
    public var contact: Contact
    public var remoteID: String
    /// RFC 3339, UTC.
    public var updatedAt: String?

    public init(contact: Contact, remoteID: String, updatedAt: String? = nil) {
        self.contact = contact
        self.remoteID = remoteID
        self.updatedAt = updatedAt
    }

    var json: JSONObject {
        var members: JSONObject = ["contact": contact.json, "remote_id": .string(remoteID)]
        members.set("updated_at", updatedAt)
        return members
    }
}
