import CRMCore

/// The payload of an ID token, and what it must say: clauses V4 to V9 and V12 to V13.
struct TokenClaims {
    private let members: JSONObject

    init(_ bytes: [UInt8]) throws(IdentityError) {
        members = try JSONObject(token: bytes, maximumBytes: 6_144, maximumDepth: 8, clause: "V4")
    }

    func audienceMatches(_ rules: FirebaseRules) -> Bool {
        members["aud"]?.stringValue?.isExactly(rules.projectID) == true
    }

    /// All that needs no key. The identity is nobody's before the signature is checked.
    func identity(_ rules: FirebaseRules, at now: Timestamp) throws(IdentityError) -> VerifiedIdentity {
        guard audienceMatches(rules) else { throw .invalid(clause: "V5") }
        guard members["iss"]?.stringValue?.isExactly(rules.issuer) == true else { throw .invalid(clause: "V6") }
        let uid = try subject()
        let times = try TokenTimes(members, skew: rules.skew, at: now)
        return VerifiedIdentity(
            uid: uid, email: members["email"]?.stringValue, emailVerified: members["email_verified"]?.boolValue ?? false,
            name: members["name"]?.stringValue, signInProvider: signInProvider ?? "",
            authenticatedAt: Timestamp(seconds: times.authenticatedAt), expiresAt: Timestamp(seconds: times.expiresAt))
    }

    private func subject() throws(IdentityError) -> String {
        guard let subject = members["sub"]?.stringValue, (1...128).contains(subject.unicodeScalars.count), subject.utf8.count <= 512,
            !subject.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw .invalid(clause: "V7 sub") }
        for name in ["user_id", "uid"] {
            guard let copy = members[name] else { continue }
            guard copy.stringValue?.isExactly(subject) == true else { throw .invalid(clause: "V7 \(name)") }
        }
        return subject
    }

    /// Who may come in with a genuine token; asked once the signature has been checked.
    func admit(_ rules: FirebaseRules) throws(IdentityError) {
        switch (members["firebase"]?["tenant"], rules.tenant) {
        case (nil, nil): break
        case (let tenant?, let wanted?) where tenant.stringValue?.isExactly(wanted) == true: break
        default: throw .refused(code: "tenant_not_admitted")
        }
        guard let provider = signInProvider, !provider.isEmpty else { throw .refused(code: "sign_in_provider_not_admitted") }
        guard provider != "anonymous" else { throw .refused(code: "anonymous_not_admitted") }
        guard rules.signInProviders?.contains(provider) ?? true else { throw .refused(code: "sign_in_provider_not_admitted") }
    }

    private var signInProvider: String? { members["firebase"]?["sign_in_provider"]?.stringValue }
}
