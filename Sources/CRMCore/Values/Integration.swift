/// A merchant's connection to one CRM.
package struct Integration: Sendable, Hashable {
    package var id: IntegrationID
    package var merchant: MerchantID
    package var crmType: CRMType
    package var label: String?
    package var state: IntegrationState
    package var stateReason: String?
    /// As the CRM names itself: `id`, `name`, ...
    package var account: JSONObject
    package var settings: JSONObject
    /// Tells two credentials apart without showing either: the first 16 hexadecimal digits of a keyed hash.
    package var credentialFingerprint: String
    /// Grows with every write of the credentials.
    package var credentialVersion: Int64
    package var connectedAt: Timestamp
    package var updatedAt: Timestamp
    package var lastValidatedAt: Timestamp?

    package init(
        id: IntegrationID, merchant: MerchantID, crmType: CRMType, label: String?, state: IntegrationState, stateReason: String?,
        account: JSONObject, settings: JSONObject, credentialFingerprint: String, credentialVersion: Int64, connectedAt: Timestamp,
        updatedAt: Timestamp, lastValidatedAt: Timestamp?
    ) {
        self.id = id
        self.merchant = merchant
        self.crmType = crmType
        self.label = label
        self.state = state
        self.stateReason = stateReason
        self.account = account
        self.settings = settings
        self.credentialFingerprint = credentialFingerprint
        self.credentialVersion = credentialVersion
        self.connectedAt = connectedAt
        self.updatedAt = updatedAt
        self.lastValidatedAt = lastValidatedAt
    }
}

/// How a connection is doing. `provider_unavailable` is not stored: it follows from the loaded providers.
package enum IntegrationState: String, Sendable, CaseIterable {
    case active
    case degraded
    case reauthRequired = "reauth_required"
    case paused
    case providerUnavailable = "provider_unavailable"
}

/// What `PATCH /crm/{crm_type}` changes: what is `nil` stays.
package struct ConnectionChange: Sendable {
    /// The settings as a whole, and those that they were made from: somebody else's change in between is not lost.
    package var settings: (old: JSONObject, new: JSONObject)?
    /// `.some(nil)` takes it away.
    package var label: String??
    package var isPaused: Bool?

    package init(settings: (old: JSONObject, new: JSONObject)? = nil, label: String?? = nil, isPaused: Bool? = nil) {
        self.settings = settings
        self.label = label
        self.isPaused = isPaused
    }

    /// What a trail of actions may say of it.
    package var fields: [String] {
        [settings == nil ? nil : "settings", label == nil ? nil : "label", isPaused == nil ? nil : "paused"].compactMap(\.self)
    }
}

/// What `POST /crm/connect` stores once the CRM has accepted the credentials.
package struct NewConnection: Sendable {
    package var merchant: MerchantID
    package var crmType: CRMType
    /// JSON that fits the provider's credential schema.
    package var credentials: Secret
    /// `nil` keeps the settings of an existing connection.
    package var settings: JSONObject?
    package var label: String?
    package var account: JSONObject

    package init(
        merchant: MerchantID, crmType: CRMType, credentials: Secret, settings: JSONObject?, label: String?, account: JSONObject
    ) {
        self.merchant = merchant
        self.crmType = crmType
        self.credentials = credentials
        self.settings = settings
        self.label = label
        self.account = account
    }
}

/// Decrypted credentials of a connection, with what a call needs beside them.
package struct OpenedConnection: Sendable {
    package var integration: Integration
    package var credentials: Secret

    package init(integration: Integration, credentials: Secret) {
        self.integration = integration
        self.credentials = credentials
    }
}

/// A connection with what has happened to it lately.
package struct ConnectionStatus: Sendable {
    package var integration: Integration
    package var lastSuccessAt: Timestamp?
    package var lastFailure: (at: Timestamp, code: String, detail: String)?
    package var pending: Int
    package var dead: Int
    package var waiting: Waiting?
    /// Of the last 24 hours.
    package var succeeded24h: Int
    package var failed24h: Int

    package init(
        integration: Integration, lastSuccessAt: Timestamp?, lastFailure: (at: Timestamp, code: String, detail: String)?, pending: Int,
        dead: Int, waiting: Waiting?, succeeded24h: Int, failed24h: Int
    ) {
        self.integration = integration
        self.lastSuccessAt = lastSuccessAt
        self.lastFailure = lastFailure
        self.pending = pending
        self.dead = dead
        self.waiting = waiting
        self.succeeded24h = succeeded24h
        self.failed24h = failed24h
    }
}
