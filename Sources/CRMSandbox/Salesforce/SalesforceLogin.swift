import CRMCore

/// The only SOAP call that is played: `login`, as the partner and the enterprise endpoint have it up to version 64.0.
struct SalesforceLogin {
    enum Dialect: String {
        case partner = "u"
        case enterprise = "c"

        var namespace: String { "urn:\(self).soap.sforce.com" }
    }

    struct Fault: Error {
        var code: String
        var message: String

        static let wrong = Fault(
            code: "INVALID_LOGIN", message: "Invalid username, password, security token; or user locked out.")
    }

    let dialect: Dialect
    let username: String
    let password: String

    /// Whose login a request is, as far as its body says.
    static func username(in request: Request) -> String? {
        XMLElement(document: request.body)?["Body"]?["login"]?["username"]?.text
    }

    /// `path` is what follows `services`: `Soap/u/64.0`.
    init(_ request: Request, path: [String]) throws(Fault) {
        guard path.count >= 3, path[0] == "Soap", let dialect = Dialect(rawValue: path[1]), let version = Self.version(path[2]) else {
            throw Fault(code: "UNSUPPORTED_API_VERSION", message: "Invalid Api version specified on URL")
        }
        self.dialect = dialect
        guard version >= Salesforce.oldestVersion, version <= Salesforce.newestVersion else {
            throw Fault(code: "UNSUPPORTED_API_VERSION", message: "Invalid Api version specified on URL")
        }
        guard request.mediaType == "text/xml", request.has(header: "soapaction") else {
            throw Fault(code: "Client", message: "A SOAP call has the media type text/xml and the header SOAPAction.")
        }
        guard let envelope = XMLElement(document: request.body), envelope.name == "Envelope", envelope.namespace == Self.envelope,
            let call = envelope["Body"]?.children.first
        else { throw Fault(code: "Client", message: "The body is not a SOAP envelope.") }
        guard call.name == "login", call.namespace == dialect.namespace else {
            throw Fault(code: "Client", message: "No operation available for request {\(call.namespace)}\(call.name)")
        }
        guard version <= Salesforce.newestLoginVersion else {
            throw Fault(
                code: "INVALID_OPERATION",
                message: "The SOAP Login operation is not available in the API version specified (\(version).0).")
        }
        username = call["username"]?.text ?? ""
        password = call["password"]?.text ?? ""
    }

    /// `31.0` is 31.
    private static func version(_ text: String) -> Int? {
        guard text.hasSuffix(".0"), let number = Int(text.dropLast(2)), String(number) + ".0" == text else { return nil }
        return number
    }

    private static let envelope = "http://schemas.xmlsoap.org/soap/envelope/"

    static func answer(to fault: Fault) -> Answer {
        // Trouble with the envelope itself has SOAP's own fault code and no detail.
        let isProtocol = fault.code == "Client"
        let message = XMLElement.escape(fault.message)
        let detail =
            isProtocol
            ? ""
            : """
            <detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>\(fault.code)</sf:exceptionCode>\
            <sf:exceptionMessage>\(message)</sf:exceptionMessage></sf:LoginFault></detail>
            """
        return document(
            """
            <soapenv:Fault><faultcode>\(isProtocol ? "soapenv" : "sf"):\(fault.code)</faultcode>\
            <faultstring>\(isProtocol ? "" : "\(fault.code): ")\(message)</faultstring>\(detail)</soapenv:Fault>
            """,
            namespaces: #"xmlns:sf="urn:fault.partner.soap.sforce.com""#, status: 500)
    }

    func answer(_ org: SalesforceOrg, session: String, origin: String, path: [String]) -> Answer {
        let url = { (kind: String) in "\(origin)/services/Soap/\(kind)/\(path[2])/\(org.id.short)" }
        let email = XMLElement.escape(org.email)
        return document(
            """
            <loginResponse><result><metadataServerUrl>\(url("m"))</metadataServerUrl>\
            <passwordExpired>\(org.settings.isPasswordExpired)</passwordExpired><sandbox>false</sandbox>\
            <serverUrl>\(url(dialect.rawValue))</serverUrl><sessionId>\(session)</sessionId><userId>\(org.userID.text)</userId><userInfo>\
            <accessibilityMode>false</accessibilityMode><currencySymbol>\u{20AC}</currencySymbol>\
            <orgDefaultCurrencyIsoCode>EUR</orgDefaultCurrencyIsoCode><orgHasPersonAccounts>false</orgHasPersonAccounts>\
            <organizationId>\(org.id.text)</organizationId><organizationMultiCurrency>false</organizationMultiCurrency>\
            <organizationName>\(org.domain)</organizationName><profileId>\(SalesforceID(prefix: "00e", serial: 1).text)</profileId>\
            <roleId xsi:nil="true"/><sessionSecondsValid>\(org.settings.sessionSeconds)</sessionSecondsValid>\
            <userDefaultCurrencyIsoCode xsi:nil="true"/><userEmail>\(email)</userEmail><userFullName>Integration User</userFullName>\
            <userId>\(org.userID.text)</userId><userLanguage>en_US</userLanguage><userLocale>en_US</userLocale>\
            <userName>\(email)</userName><userTimeZone>Europe/Rome</userTimeZone><userType>Standard</userType>\
            <userUiSkin>Theme3</userUiSkin></userInfo></result></loginResponse>
            """, namespaces: "xmlns=\"\(dialect.namespace)\"", status: 200)
    }

    private func document(_ body: String, namespaces: String, status: Int) -> Answer {
        Self.document(body, namespaces: namespaces, status: status)
    }

    private static func document(_ body: String, namespaces: String, status: Int) -> Answer {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="\(envelope)" \(namespaces) \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>\(body)</soapenv:Body></soapenv:Envelope>
            """
        return Answer(status: status, headers: [("Content-Type", "text/xml; charset=utf-8")], body: Array(text.utf8))
    }
}
