/// The calls of Klaviyo's API that the sandbox plays, with the limits and scopes of the published specification.
enum KlaviyoOperation: CaseIterable {
    case getAccounts
    case importProfile, createProfile, getProfiles, getProfile, updateProfile
    case createEvent, getEvents, createEventsInBulk
    case importProfilesInBulk, getImportJob, getImportErrors
    case subscribe, unsubscribe

    private var method: String {
        switch self {
        case .getAccounts, .getProfiles, .getProfile, .getEvents, .getImportJob, .getImportErrors: "GET"
        case .updateProfile: "PATCH"
        default: "POST"
        }
    }

    private var path: [String] {
        switch self {
        case .getAccounts: ["accounts"]
        case .importProfile: ["profile-import"]
        case .createProfile, .getProfiles: ["profiles"]
        case .getProfile, .updateProfile: ["profiles", "*"]
        case .createEvent, .getEvents: ["events"]
        case .createEventsInBulk: ["event-bulk-create-jobs"]
        case .importProfilesInBulk: ["profile-bulk-import-jobs"]
        case .getImportJob: ["profile-bulk-import-jobs", "*"]
        case .getImportErrors: ["profile-bulk-import-jobs", "*", "import-errors"]
        case .subscribe: ["profile-subscription-bulk-create-jobs"]
        case .unsubscribe: ["profile-subscription-bulk-delete-jobs"]
        }
    }

    var limit: KlaviyoLimit {
        switch self {
        case .getAccounts: KlaviyoLimit(perSecond: 1, perMinute: 15)
        case .createEvent, .getEvents: KlaviyoLimit(perSecond: 350, perMinute: 3_500)
        case .createEventsInBulk, .importProfilesInBulk, .getImportJob, .getImportErrors: KlaviyoLimit(perSecond: 10, perMinute: 150)
        default: KlaviyoLimit(perSecond: 75, perMinute: 750)
        }
    }

    var scopes: [String] {
        switch self {
        case .getAccounts: ["accounts:read"]
        case .importProfile, .createProfile, .updateProfile: ["profiles:write"]
        case .getProfiles, .getProfile, .getImportErrors: ["profiles:read"]
        case .createEvent, .createEventsInBulk: ["events:write"]
        case .getEvents: ["events:read"]
        case .importProfilesInBulk: ["lists:write", "profiles:write"]
        case .getImportJob: ["lists:read", "profiles:read"]
        case .subscribe, .unsubscribe: ["lists:write", "profiles:write", "subscriptions:write"]
        }
    }

    /// Klaviyo writes KB and MB and does not say whether they are binary; the smaller reading is the safer one to test against.
    var bodyLimit: Int {
        switch self {
        case .importProfile, .createProfile, .updateProfile: KlaviyoProfileInput.sizeLimit
        default: KlaviyoEventInput.sizeLimit
        }
    }

    var hasBody: Bool { method != "GET" }

    /// Query parameters that the call knows.
    var parameters: Set<String> {
        switch self {
        case .importProfile, .createProfile, .updateProfile, .getProfile: ["additional-fields[profile]", "fields[profile]"]
        case .getProfiles: ["additional-fields[profile]", "fields[profile]", "filter", "page[cursor]", "page[size]", "sort"]
        case .getEvents: ["filter", "page[cursor]", "page[size]"]
        case .getImportErrors: ["page[cursor]", "page[size]"]
        default: []
        }
    }

    /// The call for a method and the segments behind `/api`, with the id in the path.
    static func find(_ method: String, _ path: [String]) throws(KlaviyoRefusal) -> (KlaviyoOperation, id: String?) {
        let candidates = allCases.filter { $0.fits(path) }
        guard !candidates.isEmpty else { throw .notFound("There is no such path, or the sandbox does not play it.") }
        guard let operation = candidates.first(where: { $0.method == method }) else {
            throw KlaviyoRefusal(
                status: 405, code: "method_not_allowed", title: "Method not allowed.",
                detail: "Method \"\(method.prefix(16))\" not allowed.")
        }
        return (operation, operation.path.count > 1 ? path[1] : nil)
    }

    private func fits(_ path: [String]) -> Bool {
        path.count == self.path.count && zip(path, self.path).allSatisfy { $1 == "*" || $0 == $1 }
    }
}
