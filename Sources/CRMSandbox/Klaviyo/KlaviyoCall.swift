import CRMCore

/// One admitted call: the key is known, the quota allows it, the body is JSON. What each operation does with it is in the extensions.
struct KlaviyoCall {
    enum Revision: String {
        case july2026 = "2026-07-15"
        case october2026 = "2026-10-15"
    }

    let account: KlaviyoAccount
    let events: KlaviyoEventLog
    let serials: SerialNumbers
    let request: Request
    /// From the path.
    let id: String?
    let revision: Revision
    let now: Timestamp
    /// `null` for calls without one.
    let body: JSONValue

    /// What links start with.
    var base: String { request.base }

    var data: KlaviyoField {
        get throws(KlaviyoRefusal) { try KlaviyoField(value: body, pointer: "").required("data") }
    }

    func run(_ operation: KlaviyoOperation) throws(KlaviyoRefusal) -> Answer {
        switch operation {
        case .getAccounts: getAccounts()
        case .importProfile: try importProfile()
        case .createProfile: try createProfile()
        case .getProfiles: try getProfiles()
        case .getProfile: try getProfile()
        case .updateProfile: try updateProfile()
        case .createEvent: try createEvent()
        case .getEvents: try getEvents()
        case .createEventsInBulk: try createEventsInBulk()
        case .importProfilesInBulk: try importProfilesInBulk()
        case .getImportJob: try getImportJob()
        case .getImportErrors: try getImportErrors()
        case .subscribe: try subscribe()
        case .unsubscribe: try unsubscribe()
        }
    }

    func answer(_ data: JSONValue, status: Int = 200, effects: [Effect] = []) -> Answer {
        document(
            ["data": data, "links": ["self": .string("\(base)\(request.path.dropFirst(Klaviyo.pathName.count + 1))")]], status: status
        )
        .with(effects: effects)
    }

    func document(_ document: JSONValue, status: Int = 200) -> Answer { .json(document, status: status, mediaType: Klaviyo.mediaType) }

    func effect(_ kind: Effect.Kind, _ profile: KlaviyoProfile) -> Effect { Effect(kind: kind, email: profile.email) }

    private func getAccounts() -> Answer {
        let name = account.email.split(separator: "@").last.map(String.init) ?? account.email
        let resource: JSONValue = [
            "type": "account", "id": .string(account.id),
            "attributes": [
                "test_account": false,
                "contact_information": [
                    "default_sender_name": .string(name), "default_sender_email": .string(account.email), "website_url": .null,
                    "organization_name": .string(name),
                    "street_address": [
                        "address1": .null, "address2": .null, "city": .null, "region": .null, "country": .null, "zip": .null,
                    ],
                ],
                "industry": .null, "timezone": "Europe/Rome", "preferred_currency": "EUR", "public_api_key": .string(account.id),
                "locale": "en-US",
            ],
            "links": ["self": .string("\(base)/api/accounts/\(account.id)/")],
        ]
        return answer([resource])
    }
}
