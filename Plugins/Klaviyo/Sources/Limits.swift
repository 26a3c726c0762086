internal import CRMPluginSDK

/// Calls that spend the same budget of an account.
enum RateClass: String, CaseIterable {
    case accounts, profiles, events

    private var perSecond: Int {
        switch self {
        case .accounts: 1
        case .profiles: 75
        case .events: 350
        }
    }

    private var perMinute: Int {
        switch self {
        case .accounts: 15
        case .profiles: 750
        case .events: 3_500
        }
    }

    var json: JSONValue {
        [
            "class": .string(rawValue),
            "windows": [["window_s": 1, "limit": .integer(perSecond)], ["window_s": 60, "limit": .integer(perMinute)]],
        ]
    }
}

extension Quota {
    /// Klaviyo's headers describe the window of a minute, and are missing on a 429.
    init?(_ response: HTTPResponse, _ rateClass: RateClass) {
        guard let limit = Self.number(response.header("ratelimit-limit")),
            let remaining = Self.number(response.header("ratelimit-remaining")),
            let reset = Self.number(response.header("ratelimit-reset"))
        else { return nil }
        self.init(rateClass: rateClass.rawValue, windowSeconds: 60, limit: limit, remaining: remaining, resetsInSeconds: reset)
    }

    private static func number(_ text: String?) -> Int? { text.flatMap { UInt32($0) }.map(Int.init) }
}
