internal import CRMPluginSDK

/// Calls that spend the same budget of an account.
enum RateClass: String, CaseIterable {
    case accounts, profiles, subscriptions, events, bulk

    private var perSecond: Int {
        switch self {
        case .accounts: 1
        case .profiles, .subscriptions: 75
        case .events: 350
        case .bulk: 10
        }
    }

    private var perMinute: Int {
        switch self {
        case .accounts: 15
        case .profiles, .subscriptions: 750
        case .events: 3_500
        case .bulk: 150
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

extension HTTPResponse {
    /// A 429 of either window names its wait in `Retry-After`. One without the header was seen, with the wait in the error's text alone.
    func pause(_ error: JSONValue?) -> Duration? {
        if let retryAfter { return retryAfter }
        guard status == 429, let text = error?["detail"]?.stringValue, let start = text.firstRange(of: "available in ")?.upperBound else {
            return nil
        }
        return UInt16(text[start...].prefix { $0.isASCII && $0.isNumber }).map { .seconds(Int64($0)) }
    }
}

extension String {
    fileprivate func firstRange(of part: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
