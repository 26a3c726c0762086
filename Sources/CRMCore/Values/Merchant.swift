/// Whoever connects CRMs: one business, reached through the Firebase users that belong to it.
package struct Merchant: Sendable, Hashable {
    package var id: MerchantID
    package var profile: MerchantProfile
    package var email: String?
    package var emailVerified: Bool
    package var isDisabled: Bool
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var lastLoginAt: Timestamp?

    package init(
        id: MerchantID, profile: MerchantProfile, email: String?, emailVerified: Bool, isDisabled: Bool, createdAt: Timestamp,
        updatedAt: Timestamp, lastLoginAt: Timestamp?
    ) {
        self.id = id
        self.profile = profile
        self.email = email
        self.emailVerified = emailVerified
        self.isDisabled = isDisabled
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.lastLoginAt = lastLoginAt
    }
}

/// What a merchant says of itself. Every field may be absent.
package struct MerchantProfile: Sendable, Hashable {
    package var displayName: String?
    package var companyName: String?
    /// E.164
    package var phone: String?
    package var website: String?
    /// IANA name, `Europe/Athens`
    package var timezone: String?
    /// BCP 47, `el-GR`
    package var locale: String?

    package init() {}

    /// The fields by their names on the wire and in the database.
    package static let fields: [(name: String, path: any WritableKeyPath<MerchantProfile, String?> & Sendable)] = [
        ("display_name", \.displayName), ("company_name", \.companyName), ("phone", \.phone), ("website", \.website),
        ("timezone", \.timezone), ("locale", \.locale),
    ]
}

/// A JSON merge patch of a profile: only the fields that are named change; `nil` clears one.
package struct ProfileChange: Sendable, Hashable {
    package var values: [String: String?]

    /// Keys are names of `MerchantProfile.fields`.
    package init(_ values: [String: String?] = [:]) { self.values = values }

    package func applied(to profile: MerchantProfile) -> MerchantProfile {
        var changed = profile
        for (name, path) in MerchantProfile.fields {
            if let value = values[name] { changed[keyPath: path] = value }
        }
        return changed
    }
}
