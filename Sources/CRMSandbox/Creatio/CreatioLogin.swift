import CRMCore

/// The login form: `POST /ServiceModel/AuthService.svc/Login`, on both platforms without `0/`.
struct CreatioLogin {
    static let path = ["ServiceModel", "AuthService.svc", "Login"]
    private static let password = "sandbox"

    let request: Request
    let now: Timestamp

    static func userName(in request: Request) -> String? {
        guard request.segments.suffix(path.count) == path[...] else { return nil }
        return (try? request.json())?["UserName"]?.stringValue
    }

    func answer(_ site: (String) -> CreatioSite) throws(CreatioRefusal) -> Answer {
        guard request.method == "POST" else { throw CreatioRefusal.methodNotAllowed(request.method) }
        guard request.mediaType == "application/json", let body = try? request.json(), body.objectValue != nil else {
            throw CreatioRefusal(status: 400, message: "The server could not read the request.", shape: .page("Request Error"))
        }
        guard let user = body["UserName"]?.stringValue?.lowercased(), EmailAddressRule.accepts(user),
            body["UserPassword"]?.stringValue == Self.password
        else { return refused }
        return welcome(site(user), userName: user)
    }

    /// 200, as for a success; only the code tells.
    private var refused: Answer {
        Self.answer(code: 1, "The user name or the password is wrong, or the user is inactive.")
            .with(effects: [Effect(kind: .refused)])
    }

    private func welcome(_ site: CreatioSite, userName: String) -> Answer {
        let session = site.sessions.logIn(at: now)
        let place = request.host == nil ? "/" + Creatio.pathName : "/"
        var answer = Self.answer(code: 0, "", userType: site.traits.isCore ? "General" : nil)
        func set(_ name: String, _ value: String, _ attributes: String) {
            answer.headers.append(("Set-Cookie", "\(name)=\(value); \(attributes)path=\(place)"))
        }
        set("BPMLOADER", session.id, "HttpOnly; ")
        set(".ASPXAUTH", session.ticket, "HttpOnly; ")
        if !site.traits.lacksCSRF { set("BPMCSRF", session.csrf, "") }
        if site.traits.isCore {
            if !site.traits.lacksCSRF { set("CRT_CSRF", session.csrf, "") }
            set("CsrfToken", session.csrf, "")
            set("UserType", "General", "")
        }
        set("UserName", CreatioCredentials.cookie(of: userName), "expires=Fri, 01 Jan 2100 00:00:00 GMT; HttpOnly; ")
        return answer
    }

    private static func answer(code: Int, _ message: String, userType: String? = nil) -> Answer {
        var members: JSONObject = [
            "Code": .integer(code), "Message": .string(message), "Exception": .null, "PasswordChangeUrl": .null, "RedirectUrl": .null,
        ]
        members.set("UserType", userType)
        return .json(.object(members), mediaType: "application/json; charset=utf-8")
    }
}
