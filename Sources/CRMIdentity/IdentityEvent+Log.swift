import CRMCore
package import Logging

extension Logger {
    /// One line per event. A failed refresh is an error as soon as the keys are not fresh any more.
    package func record(_ event: IdentityEvent) {
        switch event {
        case .keysRefreshed(let count, let lifetime):
            info("Google's keys were fetched", metadata: ["keys": "\(count)", "lifetime_s": "\(lifetime.secondsRoundedUp)"])
        case .keyRefreshFailed(let reason, let readiness):
            log(
                level: readiness == .fresh ? .warning : .error, "Google's keys could not be fetched",
                metadata: ["reason": "\(reason)", "keys": "\(readiness.rawValue)"])
        case .keysNotSaved(let reason):
            warning("Google's keys could not be saved for the next start", metadata: ["reason": "\(reason)"])
        case .savedKeysUnusable(let reason):
            warning("the saved keys cannot be used", metadata: ["reason": "\(reason)"])
        case .tokenRefused(let trace, let error):
            // Debug: anybody can cause it. The callers' own, sampled line carries the clause.
            debug("a token was refused", metadata: Self.metadata(trace, error))
        }
    }

    private static func metadata(_ trace: TokenTrace, _ error: IdentityError) -> Metadata {
        var metadata: Metadata = ["token_hash": "\(trace.hash)"]
        switch error {
        case .invalid(let clause): metadata["clause"] = "\(clause)"
        case .expired: metadata["clause"] = "V8 exp"
        case .refused(let code): metadata["clause"] = "\(code)"
        case .keysUnavailable: metadata["clause"] = "keys unavailable"
        }
        metadata["kid"] = trace.keyID.map { "\($0)" }
        metadata["aud_matches"] = trace.audienceMatches.map { "\($0)" }
        return metadata
    }
}
