/// A person, as the host describes one (`schemas/contact.json`). What is `nil` was not said, and stays as it is in the CRM.
public struct Contact: Sendable, Hashable {
    public var email: String?
    public var externalID: String?
    /// E.164.
    public var phone: String?
    public var firstName: String?
    public var lastName: String?
    public var title: String?
    public var organization: String?
    /// BCP 47.
    public var locale: String?
    public var address: Address?
    public var emailMarketing: Consent?
    public var smsMarketing: Consent?
    /// What the merchant calls by names of his own.
    public var properties: JSONObject

    public init(
        email: String? = nil, externalID: String? = nil, phone: String? = nil, firstName: String? = nil, lastName: String? = nil,
        title: String? = nil, organization: String? = nil, locale: String? = nil, address: Address? = nil,
        emailMarketing: Consent? = nil, smsMarketing: Consent? = nil, properties: JSONObject = [:]
    ) {
        self.email = email
        self.externalID = externalID
        self.phone = phone
        self.firstName = firstName
        self.lastName = lastName
        self.title = title
        self.organization = organization
        self.locale = locale
        self.address = address
        self.emailMarketing = emailMarketing
        self.smsMarketing = smsMarketing
        self.properties = properties
    }

    public struct Address: Sendable, Hashable {
        public var line1: String?
        public var line2: String?
        public var city: String?
        public var region: String?
        public var postalCode: String?
        public var country: String?

        public init(
            line1: String? = nil, line2: String? = nil, city: String? = nil, region: String? = nil, postalCode: String? = nil,
            country: String? = nil
        ) {
            self.line1 = line1
            self.line2 = line2
            self.city = city
            self.region = region
            self.postalCode = postalCode
            self.country = country
        }
    }

    /// Whether a person may be written to, since when, and where that was said.
    public struct Consent: Sendable, Hashable {
        public enum State: String, Sendable { case granted, withdrawn }

        public var state: State
        public var at: String?
        public var source: String?

        public init(state: State, at: String? = nil, source: String? = nil) {
            self.state = state
            self.at = at
            self.source = source
        }
    }
}
