package import CRMPluginSDK

extension Endpoint {
    static let importProfile = Endpoint(.post, "/api/profile-import", scopes: ["profiles:write"], .profiles)
    static let listProfiles = Endpoint(.get, "/api/profiles", scopes: ["profiles:read"], .profiles)

    /// Fails for what would make another path of it: a dot stays a dot however it is encoded.
    static func profile(_ id: String) throws(CRMError) -> Endpoint {
        guard isSegment(id) else { throw .noProfile }
        return Endpoint(
            .get, "/api/profiles/\(PercentEncoding.encode(id))", route: "/api/profiles/{id}", scopes: ["profiles:read"], .profiles)
    }

    static func isSegment(_ id: String) -> Bool { id != "" && id != "." && id != ".." }
}

extension KlaviyoProvider {
    package func createOrUpdateContact(_ contact: Contact, _ context: OperationContext) async throws -> WrittenContact {
        let (written, warnings) = try await write(contact, context)
        for warning in warnings { context.warn(warning) }
        return written
    }

    /// First the profile, then its consent: both may be repeated, so that a failure of the second repeats the first without harm.
    /// `consentStop` is what another contact of a batch has shown about writing consent: then the profile alone is written.
    func write(
        _ contact: Contact, consentStop: CRMError? = nil, _ context: OperationContext
    ) async throws -> (WrittenContact, [Warning]) {
        let settings = Settings(context)
        let hasConsent = contact.hasConsent
        let draft = try ProfileDraft(contact, settings.fields, pointer: "/data/attributes")
        let (response, written) = try await writing(draft) { draft in
            try await send(
                .importProfile, query: hasConsent ? ProfilePage.additionalFields : "",
                body: ["data": ["type": "profile", "attributes": .object(draft.attributes)]], context)
        }
        guard let profile = response.json?["data"], let id = profile["id"]?.stringValue else { throw CRMError.unreadable(.importProfile) }
        var warnings = written.warnings
        let isNew = response.status == 201
        if hasConsent {
            if let consentStop { throw consentStop.afterProfile(id) }
            warnings += try await writeConsent(of: contact, WrittenProfile(id: id, isNew: isNew, profile, written), settings, context)
        }
        return (WrittenContact(remoteID: id, isNew: isNew), warnings)
    }

    package func getContact(_ query: ContactQuery, _ context: OperationContext) async throws -> FoundContact {
        let endpoint: Endpoint
        let resource: JSONValue?
        switch query {
        case .remoteID(let id):
            endpoint = try .profile(id)
            resource = try await send(endpoint, query: ProfilePage.additionalFields, context).json?["data"]
        case .email(let email):
            endpoint = .listProfiles
            resource = try await firstProfile(ProfilePage(field: "email", value: email), context)
        case .externalID(let id):
            endpoint = .listProfiles
            resource = try await firstProfile(ProfilePage(field: "external_id", value: id), context)
        }
        guard let resource, let found = FoundContact(profile: resource, Settings(context).fields) else {
            throw CRMError.unreadable(endpoint)
        }
        return found
    }

    private func firstProfile(_ page: ProfilePage, _ context: OperationContext) async throws -> JSONValue? {
        guard let profiles = try await send(.listProfiles, query: page.query, context).json?["data"]?.arrayValue else { return nil }
        guard let profile = profiles.first else { throw CRMError.noProfile }
        return profile
    }
}

extension Contact {
    var hasConsent: Bool { emailMarketing != nil || smsMarketing != nil }
}
