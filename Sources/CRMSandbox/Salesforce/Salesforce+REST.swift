import CRMCore

extension Salesforce {
    func rest(_ request: Request, _ path: [String], at now: Timestamp) -> Answer {
        var org: SalesforceOrg?
        var answer: Answer
        do throws(SalesforceRefusal) {
            let caller = try authenticate(request, at: now)
            org = caller
            answer = try judge(request, path, caller, at: now)
        } catch {
            answer = error.answer()
        }
        if let org, org.losesSessions {
            org.losesSessions = false
            _ = sessions.end(org.email)
        }
        if let org, answer.status < 400 {
            let limit = org.settings.dailyRequests ?? SalesforceUsage.dailyLimit
            answer.headers.append(("Sforce-Limit-Info", "api-usage=\(org.usage.calls(at: now))/\(limit)"))
        }
        return answer
    }

    private func authenticate(_ request: Request, at now: Timestamp) throws(SalesforceRefusal) -> SalesforceOrg {
        guard let session = Self.bearer(request), let org = sessions.account(of: session).flatMap({ orgs[$0] }),
            sessions.use(session, lasting: org.settings.sessionSeconds, at: now), request.host == nil || request.host == org.host
        else { throw .badSession }
        return org
    }

    private func judge(
        _ request: Request, _ path: [String], _ org: SalesforceOrg, at now: Timestamp
    ) throws(SalesforceRefusal) -> Answer {
        if org.settings.isPasswordExpired {
            throw SalesforceRefusal(
                "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "The password has expired; only setting a new one is possible.", status: 403)
        }
        if org.settings.isAPIDisabled {
            throw SalesforceRefusal("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.", status: 403)
        }
        let limit = org.settings.dailyRequests ?? (isLimited ? SalesforceUsage.dailyLimit : nil)
        if let limit, org.usage.calls(at: now) >= limit {
            throw SalesforceRefusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status: 403)
        }
        org.usage.count(at: now)
        if path == ["services", "oauth2", "userinfo"] { return userInfo(org, origin(of: org, request)) }
        guard path.starts(with: ["services", "data"]), path.count >= 3 else { throw .notFound }
        let version = try SalesforceVersions.check(path[2], newest: org.settings.newestVersion)
        let call = SalesforceCall(org: org, serials: serials, version: version, now: now)
        return try call.answer(try SalesforceAsk(request, path: Array(path.dropFirst(3))))
    }

    private func userInfo(_ org: SalesforceOrg, _ origin: String) -> Answer {
        .json(
            [
                "sub": .string("\(origin)/id/\(org.id.text)/\(org.userID.text)"), "user_id": .string(org.userID.text),
                "organization_id": .string(org.id.text), "preferred_username": .string(org.email), "name": "Integration User",
                "email": .string(org.email), "email_verified": true, "active": true, "user_type": "STANDARD",
                "urls": ["rest": .string("\(origin)/services/data/v{version}/")],
            ], mediaType: Self.mediaType)
    }

    static func bearer(_ request: Request) -> String? {
        guard let header = request.header("authorization") else { return nil }
        // The older clients' scheme is still taken.
        for scheme in ["bearer ", "oauth "] where header.lowercased().hasPrefix(scheme) { return String(header.dropFirst(scheme.count)) }
        return nil
    }
}
