internal import CRMPluginSDK

/// What a wait applies to.
enum RateClass: String {
    /// All calls of the org within 24 hours, those of other integrations included.
    case api
    /// Calls of the org that run long at the same time.
    case concurrency = "api_concurrency"
    case login
    case platformEvents = "platform_events"
}

extension Quota {
    /// `Sforce-Limit-Info: api-usage=10018/100000; per-app-api-usage=17/250(appName=x)`: a list whose other parts are of other limits.
    init?(limitInfo: String?) {
        for part in limitInfo?.split(whereSeparator: { $0 == ";" || $0 == "," }) ?? [] {
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0] == "api-usage" else { continue }
            let numbers = pair[1].split(separator: "/").map { UInt32($0.prefix { $0.isNumber }) }
            guard numbers.count == 2, let used = numbers[0], let limit = numbers[1] else { return nil }
            // The window slides: what was used comes back bit by bit, the last of it after a day.
            self.init(
                rateClass: RateClass.api.rawValue, windowSeconds: 86_400, limit: Int(limit), remaining: max(0, Int(limit) - Int(used)),
                resetsInSeconds: 86_400)
            return
        }
        return nil
    }
}
