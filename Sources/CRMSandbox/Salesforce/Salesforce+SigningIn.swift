import CRMCore

extension Salesforce {
    func login(_ request: Request, _ path: [String], at now: Timestamp) -> Answer {
        do throws(SalesforceLogin.Fault) {
            let login = try SalesforceLogin(request, path: path)
            let email = login.username.lowercased()
            guard EmailAddressRule.accepts(email) else { throw .wrong }
            let org = org(email, at: now)
            try check(login, of: org, host: request.host, at: now)
            return login.answer(org, session: sessions.open(for: org, at: now), origin: origin(of: org, request), path: path)
        } catch {
            return SalesforceLogin.answer(to: error)
        }
    }

    private func check(_ login: SalesforceLogin, of org: SalesforceOrg, host: String?, at now: Timestamp) throws(SalesforceLogin.Fault) {
        if let code = org.settings.loginFault {
            throw SalesforceLogin.Fault(code: code, message: "The organization does not let the user in.")
        }
        guard !org.doors.isLocked(at: now), host == nil || host == "login.salesforce.com" || host == org.host else { throw .wrong }
        guard login.password == Self.password + Self.securityToken else {
            org.doors.fail(at: now)
            if login.password == Self.password {
                throw SalesforceLogin.Fault(
                    code: "LOGIN_MUST_USE_SECURITY_TOKEN",
                    message: "Outside of the trusted networks the security token belongs behind the password.")
            }
            throw .wrong
        }
        org.doors.succeed()
    }

    func token(_ request: Request, at now: Timestamp) -> Answer {
        do throws(SalesforceToken.Refusal) {
            let wanted = try SalesforceToken(request)
            if request.host == "login.salesforce.com" || request.host == "test.salesforce.com" {
                throw SalesforceToken.Refusal(error: "invalid_grant", description: "request not supported on this domain")
            }
            guard let email = wanted.account else {
                throw SalesforceToken.Refusal(error: "invalid_client_id", description: "client identifier invalid")
            }
            let org = org(email, at: now)
            guard request.host == nil || request.host == org.host else {
                throw SalesforceToken.Refusal(error: "invalid_client_id", description: "client identifier invalid")
            }
            guard wanted.secret == Self.password else {
                throw SalesforceToken.Refusal(error: "invalid_client", description: "invalid client credentials")
            }
            let origin = origin(of: org, request)
            return .json(
                [
                    "access_token": .string(sessions.open(for: org, at: now)), "signature": "c2FuZGJveA==", "token_format": "opaque",
                    "instance_url": .string(origin), "id": .string("\(origin)/id/\(org.id.text)/\(org.userID.text)"),
                    "token_type": "Bearer", "issued_at": .string(String(now.milliseconds)),
                ], mediaType: Self.mediaType)
        } catch {
            return error.answer
        }
    }

    /// Where the organization's data is: its own host, or the path under which the sandbox was reached.
    func origin(of org: SalesforceOrg, _ request: Request) -> String {
        request.host == nil ? request.base : "https://\(org.host)"
    }
}
