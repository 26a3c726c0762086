internal import CRMPluginSDK

extension Endpoint {
    private static let consentScopes = ["subscriptions:write", "profiles:write", "lists:write"]
    static let subscribe = Endpoint(.post, "/api/profile-subscription-bulk-create-jobs", scopes: consentScopes, .subscriptions)
    static let unsubscribe = Endpoint(.post, "/api/profile-subscription-bulk-delete-jobs", scopes: consentScopes, .subscriptions)
}

/// A channel of marketing, by Klaviyo's names for it and for the identifier that it needs.
struct ConsentChannel: Sendable {
    let name: String
    let identifier: String
    /// In our payloads.
    let field: String
    let identifierField: String

    static let email = ConsentChannel(name: "email", identifier: "email", field: "consent.email_marketing", identifierField: "email")
    static let sms = ConsentChannel(name: "sms", identifier: "phone_number", field: "consent.sms_marketing", identifierField: "phone")
}

/// What Klaviyo knows about a person's consent in one channel.
struct ChannelState: Sendable {
    private let consentText: String?
    private let since: String?
    private let source: String?
    /// When the person withdrew; empty: at an unknown time.
    private var withdrawals: [String] = []
    /// There is a complaint or a ban, which no later grant undoes.
    private var isBanned = false

    init(_ marketing: JSONValue?) {
        consentText = marketing?["consent"]?.stringValue
        since = marketing?["consent_timestamp"]?.stringValue
        source = marketing?["method"]?.stringValue
        if consentText == "UNSUBSCRIBED" { withdrawals.append(marketing?["last_updated"]?.stringValue ?? since ?? "") }
        for suppression in marketing?["suppression"]?.arrayValue ?? [] {
            switch suppression["reason"]?.stringValue {
            case "UNSUBSCRIBE": withdrawals.append(suppression["timestamp"]?.stringValue ?? "")
            case nil: break
            // A complaint, a decision of the merchant, an address that does not exist.
            default: isBanned = true
            }
        }
    }

    /// Klaviyo has said what it knows, be it that the person never said anything.
    var isKnown: Bool { consentText != nil }

    /// `nil` when the person never said anything (`NEVER_SUBSCRIBED`).
    var consent: Contact.Consent? {
        switch consentText {
        case "SUBSCRIBED": Contact.Consent(state: .granted, at: since.map(KlaviyoTime.utc), source: source)
        case "UNSUBSCRIBED": Contact.Consent(state: .withdrawn, at: since.map(KlaviyoTime.utc), source: source)
        default: nil
        }
    }

    enum Step: Equatable {
        case nothing
        case write
        case keepWithdrawal
        case keepBan
    }

    /// Subscribing removes suppressions, and our callers repeat what they know with every write: only a grant that is younger than the
    /// withdrawal that Klaviyo knows may undo it. A withdrawal always holds.
    func step(towards wanted: Contact.Consent) -> Step {
        switch wanted.state {
        case .withdrawn: return consentText == "UNSUBSCRIBED" ? .nothing : .write
        case .granted:
            if isBanned { return .keepBan }
            if !withdrawals.isEmpty {
                guard let at = wanted.at, withdrawals.allSatisfy({ KlaviyoTime.isLater(at, than: $0) }) else { return .keepWithdrawal }
                return .write
            }
            return consentText == "SUBSCRIBED" ? .nothing : .write
        }
    }
}

/// The profile as Klaviyo answered it after it was written.
struct WrittenProfile: Sendable {
    let id: String
    private let isNew: Bool
    private var attributes: JSONValue?
    private let draft: ProfileDraft

    init(id: String, isNew: Bool, _ profile: JSONValue, _ draft: ProfileDraft) {
        self.id = id
        self.isNew = isNew
        attributes = profile["attributes"]
        self.draft = draft
    }

    func state(_ channel: ConsentChannel) -> ChannelState { ChannelState(attributes?["subscriptions"]?[channel.name]?["marketing"]) }

    /// Nobody has said anything about a profile that did not exist. Of any other it has to be known.
    func knowsState(_ channel: ConsentChannel) -> Bool { isNew || state(channel).isKnown }

    /// What another look at the profile has shown.
    mutating func look(_ profile: JSONValue?) { attributes = profile?["attributes"] ?? attributes }

    /// The address or number to write a consent for. A grant is for the profile that was written, so it has none when the contact's own
    /// was left out: that is another profile's, or none at all. A withdrawal is for whoever has the address.
    func identifier(_ channel: ConsentChannel, _ state: Contact.Consent.State, given: String?) -> String? {
        guard let given else { return attributes?[channel.identifier]?.stringValue }
        return state == .withdrawn ? given : draft.attributes[channel.identifier]?.stringValue
    }

    /// The state is that of the profile's own address, not that of one which was left out.
    func owns(_ identifier: String, _ channel: ConsentChannel) -> Bool {
        attributes?[channel.identifier]?.stringValue?.lowercased() == identifier.lowercased()
    }
}

extension KlaviyoProvider {
    /// One call for each channel, so that what is wrong with one does not cost the other.
    func writeConsent(
        of contact: Contact, _ profile: WrittenProfile, _ settings: Settings, _ context: OperationContext
    ) async throws -> [Warning] {
        var profile = profile
        var warnings: [Warning] = []
        let channels = [(ConsentChannel.email, contact.emailMarketing, contact.email), (.sms, contact.smsMarketing, contact.phone)]
        // Withdrawals first: if something fails, they are done.
        for state in [Contact.Consent.State.withdrawn, .granted] {
            let isGrantInTheDark =
                state == .granted && settings.grantedConsent != .ignore
                && channels.contains { channel, consent, given in
                    consent?.state == .granted && !profile.knowsState(channel)
                        && profile.identifier(channel, .granted, given: given) != nil
                }
            if isGrantInTheDark { profile.look(try await look(profile.id, context)) }
            for (channel, consent, given) in channels {
                guard let consent, consent.state == state else { continue }
                if let warning = try await write(consent, channel, given, profile, settings, context) { warnings.append(warning) }
            }
        }
        return warnings
    }

    /// The profile as it is read, for an answer to its write that was silent about consent. `nil` when the key may not see it.
    private func look(_ id: String, _ context: OperationContext) async throws -> JSONValue? {
        do {
            return try await send(.profile(id), query: ProfilePage.additionalFields, context).json?["data"]
        } catch let error as CRMError {
            guard error.status == .permissionDenied || error.status == .notFound else { throw error.afterProfile(id) }
            return nil
        }
    }

    private func write(
        _ consent: Contact.Consent, _ channel: ConsentChannel, _ given: String?, _ profile: WrittenProfile, _ settings: Settings,
        _ context: OperationContext
    ) async throws -> Warning? {
        if consent.state == .granted, settings.grantedConsent == .ignore {
            return channel.warning("klaviyo.consent_not_written", "the connection's settings say that granted consent is not written")
        }
        guard let identifier = profile.identifier(channel, consent.state, given: given) else {
            return channel.warning(
                "klaviyo.consent_not_written", "Klaviyo's profile has no \(channel.identifierField) of this contact to write it for")
        }
        if consent.state == .granted, !profile.knowsState(channel) {
            return channel.warning(
                "klaviyo.consent_unknown", "Klaviyo does not say what it knows of this consent, and a grant could undo a withdrawal")
        }
        switch profile.owns(identifier, channel) || consent.state == .granted ? profile.state(channel).step(towards: consent) : .write {
        case .nothing: return nil
        case .keepWithdrawal:
            return channel.warning(
                "klaviyo.withdrawal_kept", "the person has withdrawn this consent in Klaviyo, and the grant is not known to be younger")
        case .keepBan:
            return channel.warning("klaviyo.suppression_kept", "Klaviyo has suppressed this address for another reason than a withdrawal")
        case .write: break
        }
        do {
            let job = consent.job(channel, identifier, profile, settings)
            let response = try await send(job.endpoint, body: job.body, context)
            guard response.status == 202 else { throw CRMError.unreadable(job.endpoint) }
            return job.warning
        } catch let error as CRMError {
            guard consent.state == .granted, error.status == .invalidArgument || error.status == .notFound else {
                throw error.afterProfile(profile.id)
            }
            return channel.warning(
                "klaviyo.consent_refused", "Klaviyo did not take this consent (\(error.message)); the profile was written")
        }
    }
}

extension CRMError {
    /// The profile stands although its consent does not: whoever repeats the operation writes the same profile again.
    func afterProfile(_ id: String) -> CRMError {
        var error = self
        if !isAboutConsent { error.message = "the profile was written, its consent was not: \(message)" }
        error.details["remote_id"] = .string(id)
        error.details["step"] = "consent"
        return error
    }

    var isAboutConsent: Bool { details["step"] == "consent" }
}

extension ConsentChannel {
    fileprivate func warning(_ code: String, _ detail: String) -> Warning { Warning(code: code, field: field, detail: detail) }
}

extension Contact.Consent {
    fileprivate struct Job {
        let endpoint: Endpoint
        let body: JSONValue
        let warning: Warning?
    }

    fileprivate func job(
        _ channel: ConsentChannel, _ identifier: String, _ profile: WrittenProfile, _ settings: Settings
    ) -> Job {
        guard state == .granted else { return Job(endpoint: .unsubscribe, body: withdrawal(channel, identifier), warning: nil) }
        let collectedAt = settings.grantedConsent == .collected ? at : nil
        var marketing: JSONObject = ["consent": "SUBSCRIBED"]
        marketing.set("consented_at", collectedAt.map(KlaviyoTime.offset))
        var attributes = JSONObject()
        attributes.set("custom_source", source)
        attributes["profiles"] = [
            "data": [
                [
                    "type": "profile", "id": .string(profile.id),
                    "attributes": [
                        (channel.identifier, .string(identifier)),
                        ("subscriptions", .object([channel.name: ["marketing": .object(marketing)]])),
                    ].object,
                ]
            ]
        ]
        if collectedAt != nil { attributes["historical_import"] = true }
        var data: JSONObject = ["type": "profile-subscription-bulk-create-job", "attributes": .object(attributes)]
        if let list = settings.listID { data["relationships"] = ["list": ["data": ["type": "list", "id": .string(list)]]] }
        let isUntimed = settings.grantedConsent == .collected && at == nil
        return Job(
            endpoint: .subscribe, body: ["data": .object(data)],
            warning: isUntimed
                ? channel.warning(
                    "klaviyo.consent_without_time", "without the time of the consent it was written as a new subscription") : nil)
    }

    /// Without a list: taken from one list alone, the person would stay subscribed by others.
    private func withdrawal(_ channel: ConsentChannel, _ identifier: String) -> JSONValue {
        [
            "data": [
                "type": "profile-subscription-bulk-delete-job",
                "attributes": [
                    "profiles": [
                        "data": [
                            [
                                "type": "profile",
                                "attributes": [
                                    (channel.identifier, .string(identifier)),
                                    ("subscriptions", .object([channel.name: ["marketing": ["consent": "UNSUBSCRIBED"]]])),
                                ].object,
                            ]
                        ]
                    ]
                ],
            ]
        ]
    }
}

extension [(String, JSONValue)] {
    fileprivate var object: JSONValue { .object(JSONObject(self)) }
}
