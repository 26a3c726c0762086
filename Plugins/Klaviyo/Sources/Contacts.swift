package import CRMPluginSDK

extension Endpoint {
    static let importProfile = Endpoint(.post, "/api/profile-import", scope: "profiles:write", .profiles)
    static let listProfiles = Endpoint(.get, "/api/profiles", scope: "profiles:read", .profiles)

    static func profile(_ id: String) -> Endpoint {
        Endpoint(
            .get, "/api/profiles/\(PercentEncoding.encode(id))", route: "/api/profiles/{id}", scope: "profiles:read", .profiles)
    }
}

extension KlaviyoProvider {
    package func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        let response = try await writing(contact, context) { contact in
            try await send(
                .importProfile, body: ["data": ["type": "profile", "attributes": .object(contact.profileAttributes)]], context)
        }
        guard let id = response.json?["data"]?["id"]?.stringValue else { throw CRMError.unreadable(.importProfile) }
        return WrittenContact(remoteID: id, isNew: response.status == 201)
    }

    package func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        let endpoint: Endpoint
        let resource: JSONValue?
        switch query {
        case .remoteID(let id):
            endpoint = .profile(id)
            resource = try await send(endpoint, query: ProfilePage.additionalFields, context).json?["data"]
        case .email(let email):
            endpoint = .listProfiles
            resource = try await firstProfile(ProfilePage(field: "email", value: email), context)
        case .externalID(let id):
            endpoint = .listProfiles
            resource = try await firstProfile(ProfilePage(field: "external_id", value: id), context)
        }
        guard let resource, let found = FoundContact(profile: resource) else { throw CRMError.unreadable(endpoint) }
        return found
    }

    private func firstProfile(_ page: ProfilePage, _ context: OperationContext) async throws -> JSONValue? {
        guard let profiles = try await send(.listProfiles, query: page.query, context).json?["data"]?.arrayValue else { return nil }
        guard let profile = profiles.first else { throw CRMError.noProfile }
        return profile
    }
}

extension KlaviyoProvider {
    /// Writes what Klaviyo takes: a field for which it refuses the whole contact is left out, with a warning, once per reason.
    func writing(
        _ contact: Contact, _ context: OperationContext, _ write: (Contact) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        guard contact.hasIdentifier else {
            throw CRMError(
                .invalidArgument, code: "klaviyo.no_identifier", message: "a contact needs an email, an external_id or a phone")
        }
        if contact.emailMarketing != nil || contact.smsMarketing != nil {
            context.warn(
                code: "klaviyo.consent_not_written", field: "consent",
                "Klaviyo takes consent through a call of its own, which was not made; the rest was written")
        }
        var contact = contact
        var reasons: Set<Contact.Reduction.Reason> = []
        while true {
            do {
                return try await write(contact)
            } catch let error as CRMError {
                guard let reduction = contact.reduction(after: error), reasons.insert(reduction.reason).inserted else { throw error }
                contact = reduction.contact
                context.warn(code: error.code, field: reduction.field, reduction.reason.rawValue)
            }
        }
    }
}

extension Contact {
    /// A contact without the field for which Klaviyo refused it.
    struct Reduction {
        enum Reason: String {
            case refusedPhone = "Klaviyo does not take this phone number; the rest was written"
            case otherProfile = "another profile has this identifier and keeps it; the rest was written"
        }

        var contact: Contact
        let field: String
        let reason: Reason
    }

    var hasIdentifier: Bool { externalID != nil || email != nil || phone != nil }

    /// `nil` when nothing can be left out: the error is about something else, or it is about the only identifier.
    func reduction(after error: CRMError) -> Reduction? {
        if error.isAboutPhone, phone != nil { return leavingOut(\.phone, "phone", .refusedPhone) }
        guard error.code == CRMError.duplicateProfile else { return nil }
        // From the least to the most telling identifier: two people share a phone sooner than an address.
        return phone != nil ? leavingOut(\.phone, "phone", .otherProfile) : leavingOut(\.email, "email", .otherProfile)
    }

    private func leavingOut(_ field: WritableKeyPath<Contact, String?>, _ name: String, _ reason: Reduction.Reason) -> Reduction? {
        var reduced = self
        reduced[keyPath: field] = nil
        return reduced.hasIdentifier ? Reduction(contact: reduced, field: name, reason: reason) : nil
    }
}
